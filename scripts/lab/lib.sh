# SPDX-License-Identifier: GPL-2.0
# What test cases of the lab are written with.
# shellcheck shell=bash disable=SC2016 # commands for the guest, not for here
#
# A case is a file scripts/lab/cases/NAME.sh. It runs as root in the host kernel,
# with the machine's own programs, and ends by its last line; what it leaves
# (VMs, buses, devices) is taken down after it. Each thing it finds out is one
# line, which these print:
#
#   ok NAME            not_ok NAME WHY            skip NAME WHY
#   check NAME COMMAND...                ok if COMMAND succeeds
#   check_fails NAME TEXT COMMAND...     ok if COMMAND fails and its message has TEXT
#   check_is NAME WANTED GOT             ok if the two are equal
#   note TEXT                            says something that is no result
#
# Virtual machines (the unmodified qemu-system-x86_64, no network option):
#
#   start_vm NAME [--bus BUS] [--no-wait] [QEMU-OPTION...]
#       VM_MEM (MB), VM_CPUS, VM_MACHINE, VM_CPU, VM_APPEND, VM_KERNEL,
#       VM_INITRD change what it is made of; returns when the guest is up
#   guest_mem MB          sets VM_MEM, more with a debug kernel
#   wait_vm NAME [N]      until the guest has come up N times since start_vm
#   vm_run NAME COMMAND   runs a shell command in the guest: its output, its exit
#                         code (124: no answer within VM_TIMEOUT seconds)
#   vm_monitor NAME COMMAND    a command to QEMU's monitor, and its answer
#   vm_qmp NAME JSON      the same for a QMP command
#   vm_reset NAME         hard reset, and wait until the guest is up again
#   vm_put NAME FILE PATH a file into the guest
#   vm_pid NAME; vm_console NAME; stop_vm NAME; kill_vm NAME
#   vm_nic NAME [N]       name of the guest's Nth network interface on the bus
#   has_nic NAME [N]      whether there is one
#   expect_reports NAME   the guest's console is not looked at for complaints
#
# The bus, by the administrator's own commands (configfs is at /config):
#
#   make_bus BUS; drop_bus BUS
#   make_device DEV [CLASS]; drop_device DEV      CLASS is venet-tap by default
#   link_device BUS DEV; unlink_device BUS DEV
#   host_if DEV           name of a venet-tap's network interface
#   host_addr DEV ADDR/N  enable it, give it an address, set it up
#   member BUS COMMAND... runs COMMAND as a member of BUS
#   vm_addr NAME ADDR/N [IF]       the guest's address
#
# And:
#
#   slow N                N seconds, times what this kernel is slower than others
#   wait_for SECONDS COMMAND...    until COMMAND succeeds
#   tcp_to_guest NAME ADDR BYTES, tcp_to_host NAME ADDR BYTES
#                         a transfer whose SHA-256 must be the same at both ends
#   load MODULE...        modprobe
#   selftest NAME SECONDS PROGRAM [ARG...]
#                         one of LAB_SELFTESTS: its results, each with NAME in front,
#                         and whether it ended well
#   LAB_SELFTESTS         the selftests of the series, and kexec for guests
#   LAB_GUEST_KERNEL, LAB_GUEST_INITRD, LAB_ICOUNT (set if instructions are counted)
#   show COMMAND          prints "# COMMAND" and runs it, as in a transcript

vm_dir=/run/vm
hung=/run/hung		# a guest does not answer: see main.sh
bus_dir=/config/vbus/instances
device_dir=/config/vbus/devices
: "${VM_TIMEOUT:=60}"
: "${VM_BOOT_TIME:=90}"

# ---- results

ok() { echo "ok $*"; }
note() { echo "    $*"; }

not_ok()
{
	local name=$1

	shift
	echo "not ok $name: $*" | tr '\n' ' '
	echo
	look_at_vms
}

skip()
{
	local name=$1

	shift
	echo "skip $name: $*"
}

check()
{
	local name=$1 output rc=0

	shift
	output=$("$@" 2>&1) || rc=$?
	if [ "$rc" -eq 0 ]; then
		ok "$name"
	else
		not_ok "$name" "\"$*\" gave exit code $rc: $output"
	fi
}

check_fails()
{
	local name=$1 text=$2 output rc=0

	shift 2
	output=$("$@" 2>&1) || rc=$?
	if [ "$rc" -eq 0 ]; then
		not_ok "$name" "\"$*\" succeeded: $output"
	elif [[ $output == *"$text"* ]]; then
		ok "$name"
	else
		not_ok "$name" "\"$*\" failed with \"$output\" and not with \"$text\""
	fi
}

check_is()
{
	if [ "$2" = "$3" ]; then
		ok "$1"
	else
		not_ok "$1" "wanted \"$2\", got \"$3\""
	fi
}

# ---- time

slow() { echo $(($1 * ${LAB_SLOW:-1})); }

wait_for()
{
	local end=$((SECONDS + $(slow "$1")))

	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.1
	done
}

# ---- virtual machines

vm_pid() { cat "$vm_dir/$1/pid"; }
vm_console() { echo "/out/guests/$LAB_CASE-$1.console"; }
vm_alive() { kill -0 "$(vm_pid "$1")" 2>/dev/null; }

# What is on the console since QEMU was started: the file has all of that name.
vm_output()
{
	tail -c "+$(($(cat "$vm_dir/$1/console") + 1))" "$(vm_console "$1")"
}

vm_boots()
{
	vm_output "$1" 2>/dev/null | grep -a -c '^LAB-READY' || true
}

# A kernel with checkers needs three times as much.
guest_mem()
{
	[ -z "$LAB_GUEST_LEAKS" ] || set -- $(($1 * 3))
	export VM_MEM=$1
}

# Up for the Nth time; fails at once when QEMU is gone or the kernel panicked.
wait_vm()
{
	local end=$((SECONDS + $(slow "$VM_BOOT_TIME"))) wanted=${2:-1} panic

	until [ "$(vm_boots "$1")" -ge "$wanted" ]; do
		if ! vm_alive "$1"; then
			note "QEMU of $1 has ended: $(tail -n 3 "$vm_dir/$1/qemu.log")"
			return 1
		elif panic=$(vm_output "$1" | grep -a -m 1 'Kernel panic'); then
			note "$1 panicked: $panic"
			return 1
		elif [ "$SECONDS" -ge "$end" ]; then
			note "$1 does not come up: $(tail -n 3 "$(vm_console "$1")")"
			touch "$hung"
			return 1
		fi
		sleep 0.1
	done
}

start_vm()
{
	local name=$1 bus='' wait=1 dir=$vm_dir/$1

	shift
	while [ $# -gt 0 ]; do
		case $1 in
		--bus) bus=$2; shift 2 ;;
		--no-wait) wait=; shift ;;
		*) break ;;
		esac
	done
	rm -rf "$dir"
	mkdir -p "$dir" /out/guests
	mkfifo "$dir/cmd.in" "$dir/cmd.out" "$dir/qmp.in" "$dir/qmp.out"
	: >>"$(vm_console "$name")"
	stat -c %s "$(vm_console "$name")" >"$dir/console"
	(
		[ -z "$bus" ] || echo "$bus" >/proc/self/vbus || exit
		# shellcheck disable=SC2086 # options, split on purpose
		exec $LAB_QEMU -accel kvm -M "${VM_MACHINE:-q35}" -cpu "${VM_CPU:-$LAB_GUEST_CPU}" \
			-m "${VM_MEM:-$LAB_GUEST_MEM}" -smp "${VM_CPUS:-1}" \
			-nodefaults -no-user-config -display none \
			-kernel "${VM_KERNEL:-$LAB_GUEST_KERNEL}" \
			-initrd "${VM_INITRD:-$LAB_GUEST_INITRD}" \
			-append "console=ttyS0 panic=0 loglevel=6 $LAB_GUEST_APPEND ${VM_APPEND:-}" \
			-chardev "file,id=con,append=on,path=$(vm_console "$name")" -serial chardev:con \
			-chardev "pipe,id=cmd,path=$dir/cmd" -device virtio-serial \
			-device virtserialport,chardev=cmd,name=cmd \
			-chardev "pipe,id=qmp,path=$dir/qmp" -mon chardev=qmp,mode=control \
			"$@"
	) >"$dir/qemu.log" 2>&1 </dev/null &
	echo $! >"$dir/pid"
	disown
	[ -z "$wait" ] || wait_vm "$name"
}

# Read lines from a pipe until one matches, or time is up.
read_until()
{
	local line end=$((SECONDS + $3))

	while [ "$SECONDS" -lt "$end" ]; do
		IFS= read -r -t 1 line <&"$1" || continue
		line=${line%$'\r'}
		printf '%s\n' "$line"
		[[ ! $line =~ $2 ]] || return 0
	done
	return 124
}

vm_run()
{
	local dir=$vm_dir/$1 id=$RANDOM$RANDOM answer in out rc=0

	vm_alive "$1" || { echo "$1 is not running" >&2; return 125; }
	exec {in}<>"$dir/cmd.in" {out}<>"$dir/cmd.out"
	flock "$in"
	printf '%s %s\n' "$id" "$(printf '%s' "$2" | base64 -w 0)" >&"$in"
	answer=$(read_until "$out" "^END $id " "$(slow "$VM_TIMEOUT")") || rc=$?
	exec {in}>&- {out}>&-
	if [ "$rc" -ne 0 ]; then
		echo "$1 does not answer" >&2
		touch "$hung"
		return "$rc"
	fi
	printf '%s\n' "$answer" | sed -n "/^BEGIN $id\$/,/^END $id /{/^BEGIN/d;/^END/d;p}" | base64 -d
	rc=${answer##*END "$id" }
	return "$rc"
}

vm_qmp()
{
	local dir=$vm_dir/$1 in out answer rc=0

	exec {in}<>"$dir/qmp.in" {out}<>"$dir/qmp.out"
	flock "$in"
	if [ ! -e "$dir/qmp.ready" ]; then
		echo '{"execute":"qmp_capabilities"}' >&"$in"
		read_until "$out" '^\{"return"' "$(slow 30)" >/dev/null || rc=$?
		touch "$dir/qmp.ready"
	fi
	printf '%s\n' "$2" >&"$in"
	answer=$(read_until "$out" '^\{"(return|error)"' "$(slow 60)") || rc=$?
	exec {in}>&- {out}>&-
	answer=$(tail -n 1 <<<"$answer")
	printf '%s\n' "$answer"
	[[ $answer != '{"error"'* ]] || rc=1
	return "$rc"
}

vm_monitor()
{
	local answer rc=0

	answer=$(vm_qmp "$1" "{\"execute\":\"human-monitor-command\",\"arguments\":{\"command-line\":\"$2\"}}") || rc=$?
	answer=${answer#'{"return": "'}
	answer=${answer%'"}'}
	printf '%b' "$answer" | tr -d '\r'
	return "$rc"
}

# vm_sleepers VM: the vCPUs that sleep with an interrupt in service.
vm_sleepers()
{
	local cpu

	for cpu in $(vm_monitor "$1" 'info cpus' | sed -n 's/.*CPU #\([0-9]*\):.*/\1/p'); do
		{
			vm_monitor "$1" 'info registers -a' | sed -n "/^CPU#$cpu\$/,/HLT=/p"
			vm_monitor "$1" "info lapic $cpu"
		} | awk -v cpu="$cpu" '/HLT=1/ { sleeps = 1 }
			/^ISR/ && !/none/ && sleeps { print "vCPU " cpu ": " $0 }'
	done
}

# A kernel ends an interrupt before it sleeps. Where one is in service for ever, it was
# lost between the local APIC and the processor, and those of its class stay away.
look_at_vms()
{
	local dir vm before found

	[ ! -e "$hung" ] || return 0
	for dir in "$vm_dir"/*/; do
		vm=$(basename "$dir")
		[ -e "$dir/pid" ] && vm_alive "$vm" && [ -e "$dir/qmp.in" ] || continue
		before=$(vm_sleepers "$vm") && [ -n "$before" ] || continue
		sleep 1
		found=$(vm_sleepers "$vm")
		[ "$found" = "$before" ] || continue
		note "an interrupt of $vm was lost on its way to the processor: $found"
		touch "$hung"
	done
}

vm_reset()
{
	local boots

	boots=$(vm_boots "$1")
	vm_monitor "$1" system_reset && wait_vm "$1" $((boots + 1))
}

vm_put()
{
	vm_run "$1" "base64 -d >$3 <<END
$(base64 "$2")
END"
}

expect_reports() { touch "$(vm_console "$1").expected"; }

kill_vm()
{
	local pid

	pid=$(vm_pid "$1") || return 0
	kill -KILL "$pid" 2>/dev/null || true
	wait_for 30 bash -c "! kill -0 $pid"
}

# Ask the guest's kmemleak, if it has one, and end QEMU as a user would.
stop_vm()
{
	local pid found

	[ -e "$vm_dir/$1/pid" ] || return 0
	if [ -n "${LAB_GUEST_LEAKS:-}" ] && vm_alive "$1"; then
		found=$(VM_TIMEOUT=120 vm_run "$1" 'cd /sys/kernel/debug && echo scan >kmemleak &&
			sleep 6 && echo scan >kmemleak && cat kmemleak') || true
		[[ $found != *unreferenced* ]] || not_ok "no leak in $1" "$found"
	fi
	pid=$(vm_pid "$1")
	kill -TERM "$pid" 2>/dev/null || true
	wait_for 20 bash -c "! kill -0 $pid" || kill_vm "$1"
	rm -rf "${vm_dir:?}/$1"
}

stop_all_vms()
{
	local dir

	for dir in "$vm_dir"/*/; do
		[ ! -e "$dir/pid" ] || stop_vm "$(basename "$dir")"
	done
}

# ---- the bus

make_bus() { mkdir "$bus_dir/$1"; }
drop_bus() { rmdir "$bus_dir/$1"; }
drop_device() { rmdir "$device_dir/$1"; }
link_device() { ln -s "$device_dir/$2" "$bus_dir/$1/"; }
unlink_device() { rm "$bus_dir/$1/$2"; }
host_if() { cat "/sys/vbus/devices/$1/ifname"; }

make_device()
{
	mkdir "$device_dir/$1" && echo "${2:-venet-tap}" >"$device_dir/$1/type"
}

host_addr()
{
	echo 1 >"/sys/vbus/devices/$1/enabled" &&
	ip addr add "$2" dev "$(host_if "$1")" && ip link set "$(host_if "$1")" up
}

member()
{
	local bus=$1

	shift
	(echo "$bus" >/proc/self/vbus && "$@")
}

# Bridges, namespaces and the like, and the sysctls that go with them.
drop_network()
{
	local path

	ip -all netns delete 2>/dev/null
	for path in /sys/devices/virtual/net/*; do
		[ -d "$path" ] && [ "${path##*/}" != lo ] || continue
		ip link del "${path##*/}" 2>/dev/null
	done
	echo 0 >/proc/sys/net/ipv4/ip_forward
	echo 0 >/proc/sys/net/ipv6/conf/all/forwarding
	return 0
}

drop_everything()
{
	local path

	drop_network
	for path in "$bus_dir"/*/*; do
		[ ! -L "$path" ] || rm "$path"
	done
	for path in "$bus_dir"/*/ "$device_dir"/*/; do
		[ ! -d "$path" ] || rmdir "$path"
	done
}

# Interfaces whose device sits on the vbus-proxy bus, in the order of their index.
vm_nic()
{
	vm_run "$1" 'for i in /sys/class/net/*; do
		[ "$(basename "$(readlink -f "$i/device/subsystem")")" = vbus-proxy ] &&
			echo "$(cat "$i/ifindex") ${i##*/}"; done | sort -n' |
		awk -v n="${2:-1}" 'NR == n { print $2 }'
}

# Modules are loaded in the background.
has_nic() { [ -n "$(vm_nic "$@")" ]; }
no_nic() { ! has_nic "$@"; }

vm_addr()
{
	local nic=${3:-}

	if [ -z "$nic" ]; then
		wait_for 20 has_nic "$1" || { echo "$1 has no interface"; return 1; }
		nic=$(vm_nic "$1")
	fi
	vm_run "$1" "ip addr add $2 dev $nic && ip link set $nic up"
}

# ---- KUnit

kunit_result='^    (    )?(not )?ok [0-9]+ '

# kunit_results PREFIX FILE: one for each case in FILE, which is what KUnit has said
kunit_results()
{
	local line name

	grep -E "$kunit_result" "$2" | while read -r line; do
		name="$1: ${line#*ok [0-9]* }"
		case $line in
		*'# SKIP'*) skip "$name" "by the suite itself" ;;
		not*) not_ok "$name" "$(grep -B 8 -F -- "$line" "$2" | cut -c1-200)" ;;
		*) ok "$name" ;;
		esac
	done
}

# ---- traffic

# What has come through, on both sides: for who asks why nothing does.
nic_counters()
{
	local nic

	nic=$(vm_nic "$1")
	vm_run "$1" 'cd /sys/class/net/'"$nic"' && grep -H . carrier statistics/?x_[pde]* | grep -v ":0$"
		grep -E "vbus|'"$nic"'" /proc/interrupts; ip addr show '"$nic"'
		dmesg | grep -E "vbus|venet" | tail -n 8' | sed 's/^/guest: /'
	for nic in /sys/class/net/venet*; do
		ethtool -S "${nic##*/}" | sed -n "/: 0\$/d;s/^ /${nic##*/}:/p"
	done
	vm_monitor "$1" 'info lapic' | grep -A 1 -E '^(ISR|IRR)'
	ip neigh show to "$2"
}

# why_not NAME ADDR: two looks, between which somebody asks on each side
why_not()
{
	local first

	first=$(nic_counters "$@")
	ping -q -n -c 3 -i 0.3 -W 1 "$2" | grep transmitted
	vm_run "$1" "ping -q -c 2 -W 1 ${2%.*}.1" | grep transmitted
	echo "first: $first"
	echo "then, what is not the same: $(nic_counters "$@" | grep -v -x -F "$first")"
}

# busybox's nc ends when either direction does, so the one that listens reads from
# a pipe that nobody closes.

# BYTES that do not repeat, from the host to ADDR in the guest.
tcp_to_guest()
{
	local file=/tmp/tcp.$1 want got

	head -c "$3" /dev/urandom >"$file"
	want=$(sha256sum <"$file")
	vm_run "$1" 'rm -f /tmp/sum; [ -p /tmp/idle ] || mkfifo /tmp/idle
		(nc -l -p 5001 <>/tmp/idle | sha256sum >/tmp/sum.new; mv /tmp/sum.new /tmp/sum) >/dev/null 2>&1 &'
	sleep 0.5
	timeout "$(slow 120)" busybox nc "$2" 5001 <"$file" >/dev/null || true
	got=$(vm_run "$1" 'for i in $(seq 100); do [ -e /tmp/sum ] && break; usleep 100000; done; cat /tmp/sum')
	rm "$file"
	[ "$want" = "$got" ] || { echo "sent $want, arrived $got"; why_not "$1" "$2"; return 1; }
}

# The same from the guest to ADDR in the host.
tcp_to_host()
{
	local want got

	vm_run "$1" "head -c $3 /dev/urandom >/tmp/tcp"
	want=$(vm_run "$1" 'sha256sum </tmp/tcp')
	[ -p /tmp/idle ] || mkfifo /tmp/idle
	timeout "$(slow 120)" busybox nc -l -p 5002 <>/tmp/idle >"/tmp/tcp.$1" &
	sleep 0.5
	VM_TIMEOUT=120 vm_run "$1" "nc $2 5002 </tmp/tcp; rm /tmp/tcp"
	wait $!
	got=$(sha256sum <"/tmp/tcp.$1")
	rm "/tmp/tcp.$1"
	[ "$want" = "$got" ] || { echo "sent $want, arrived $got"; return 1; }
}

load()
{
	local module

	for module; do
		modprobe "$module" || return
	done
}

selftest()
{
	local name=$1 seconds=$2 program=$3 log=/tmp/selftest.log rc=0 result

	shift 3
	if [ ! -x "$LAB_SELFTESTS/$program" ]; then
		not_ok "$name: it is there" "$LAB_SELFTESTS/$program is not built"
		return
	fi
	(cd "$LAB_SELFTESTS" && timeout "$(slow "$seconds")" "./$program" "$@") >"$log" 2>&1 || rc=$?
	grep -E '^(not )?ok [0-9]+ ' "$log" | while read -r line; do
		result="$name: $(sed -E 's/^(not )?ok [0-9]+ (- )?//; s/ *# SKIP.*//' <<<"$line")"
		case $line in
		*'# SKIP'*) skip "$result" "${line#*# SKIP}" ;;
		not*) not_ok "$result" "$(grep -a -B 12 -F -- "$line" "$log" | head -n 12 | cut -c1-200)" ;;
		*) ok "$result" ;;
		esac
	done
	check_is "$name: it ends well" 0 "$rc"
}

show()
{
	echo "# $*"
	eval "$*"
}
