# SPDX-License-Identifier: GPL-2.0
# The walk through the administrator's guide that scripts/demo shows.
# shellcheck shell=bash disable=SC2016,SC2154 # commands for other shells; lib.sh
#
# Every command is shown with its prompt, "host#", "guest#" or "(qemu)", and then
# run, and what follows is its own output. The first that does not answer as it must
# ends the walk.

config=/sys/kernel/config/vbus
host_address=192.0.2.1 guest_address=192.0.2.2
bytes=8000000
export LC_ALL=C.UTF-8 TREE_CHARSET=ascii

chapter()
{
	chapter=$*
	printf '\n---- %s\n' "$chapter"
}

# stop WHY: the end of the walk; this line is what scripts/boot counts as failure
stop()
{
	not_ok "$chapter" "$*"
	exit 0
}

# host COMMAND: in this shell, so that it can change directory and bus
host()
{
	echo "host# $1"
	eval "$1" 2>&1 || stop "\"$1\" failed with exit code $?"
}

# refused ERROR COMMAND: must fail, and say why
refused()
{
	local output

	echo "host# $2"
	! output=$(bash -c "$2" 2>&1) || stop "\"$2\" succeeded, it must be refused"
	echo "$output"
	[[ $output == *"$1"* ]] || stop "the error must be \"$1\""
}

guest()
{
	echo "guest# $1"
	vm_run vm "$1" || stop "\"$1\" failed in the guest with exit code $?"
}

# The command line of process PID, with file names for paths and without the
# console and the channel by which commands come into the guest.
qemu_command()
{
	tr '\0' '\n' <"/proc/$1/cmdline" | awk '
		/^-(chardev|serial|device|mon|append)$/ { getline; hidden = 1; next }
		{ sub(/^\/.*\//, ""); printf "%s%s", sep, $0; sep = " " }
		END { print hidden ? " ..." : "" }'
}

runs_qemu()
{
	[[ $(readlink "/proc/$1/exe") == *qemu-system* ]]
}

nic_is_there() { nic=$(vm_nic vm) && [ -n "$nic" ]; }
nic_is_gone() { local found; found=$(vm_nic vm) && [ -z "$found" ]; }

# host_sum FILE, guest_sum FILE: shown as above, and kept in $sum
host_sum()
{
	echo "host# sha256sum $1"
	sum=$(sha256sum "$1") || stop "$1 cannot be read"
	echo "$sum"
}

guest_sum()
{
	echo "guest# sha256sum $1"
	sum=$(vm_run vm "sha256sum $1") || stop "$1 cannot be read in the guest"
	echo "$sum"
}

# same_sum WHAT SENT: is it what the last sum says of what arrived?
same_sum()
{
	[ -n "$2" ] && [ "${2%% *}" = "${sum%% *}" ] || stop "sent $2, arrived $sum"
	ok "$1: $bytes bytes, and the SHA-256 of what arrived is that of what was sent"
}

chapter "The host: a kernel with the series, booted in the emulated machine"
host 'uname -sr'
host 'tree --noreport /sys/vbus'
host 'modprobe venet-tap'
host 'ls /sys/vbus/deviceclass'

chapter "A bus: mkdir in configfs makes it, sysfs shows it"
host "cd $config"
host 'mkdir instances/blue'
host 'tree --noreport /sys/vbus'

chapter "A device, and its type: a name that no deviceclass has is refused"
host 'mkdir devices/blue-net'
host 'tree --noreport /sys/vbus/devices'
refused "No such file or directory" 'echo foo > devices/blue-net/type'
host 'echo venet-tap > devices/blue-net/type'
host 'tree --noreport /sys/vbus'

chapter "The device goes on the bus with a symbolic link"
host 'ln -s devices/blue-net instances/blue/'
host 'tree --noreport /sys/vbus'
host 'cat /sys/vbus/instances/blue/devices/0/type'

chapter "The device is enabled: its host side is an ordinary network interface"
host 'echo 1 > /sys/vbus/devices/blue-net/enabled'
host 'cat /sys/vbus/devices/blue-net/ifname'
tap=$(cat /sys/vbus/devices/blue-net/ifname)
host "ip addr add $host_address/24 dev $tap"
host "ip link set $tap up"
host "ip -br addr show $tap"

chapter "This shell becomes a member of the bus, and all that it starts is one too"
host 'cat /proc/self/vbus'
host 'echo blue > /proc/self/vbus'
host 'cat /proc/self/vbus'
host 'tree --noreport /sys/vbus/instances'
note "(the two members are this shell and tree itself)"

chapter "QEMU, unmodified, without any network option"
start_vm vm --no-wait
pid=$(vm_pid vm)
wait_for 10 runs_qemu "$pid" || stop "QEMU does not start: $(cat "$vm_dir/vm/qemu.log")"
echo "host# $(qemu_command "$pid") &"
note "(not shown: the kernel's command line, the console, and the serial port by"
note "which the commands below come into the guest)"
host "cat /proc/$pid/vbus"
! tr '\0' '\n' <"/proc/$pid/cmdline" | grep -qE -- '^-(net|netdev|nic)|virtio-net|e1000|rtl8139|vmxnet' ||
	stop "QEMU was given a network option"
wait_vm vm || stop "the guest does not come up"
echo "(qemu) info network"
networks=$(vm_monitor vm 'info network') || stop "QEMU's monitor does not answer"
[ -z "$networks" ] || stop "QEMU has a network: $networks"
ok "QEMU itself has no network device: its list is empty"

chapter "The guest found the device on its bus; the driver was loaded by its modalias"
wait_for 20 nic_is_there || stop "no interface on the vbus-proxy bus appears in the guest"
guest 'uname -sr'
guest 'lsmod'
note "(nobody loaded venet: the kernel asked for the alias that is shown here)"
guest 'ls /sys/bus/vbus-proxy/devices'
guest 'cat /sys/bus/vbus-proxy/devices/*/modalias'
guest 'ip link'
guest "ip addr add $guest_address/24 dev $nic"
guest "ip link set $nic up"

chapter "Ping, both ways"
host "ping -n -c 3 -i 0.2 -W 5 $guest_address"
guest "ping -c 3 -W 5 $host_address"
ok "host and guest reach each other"

chapter "TCP, both ways, with the checksum of what was sent and of what arrived"
# busybox's nc ends at the end of its input: the one that listens gets none.
vm_run vm 'mkfifo /tmp/idle' && mkfifo /tmp/idle || stop "mkfifo failed"
host "head -c $bytes /dev/urandom > /tmp/sent"
host_sum /tmp/sent
sent=$sum
guest 'nc -l -p 5001 <>/tmp/idle >/tmp/arrived 2>/dev/null & sleep 0.3'
host "busybox nc $guest_address 5001 < /tmp/sent"
vm_run vm 'for i in $(seq 100); do pidof nc >/dev/null || break; usleep 50000; done'
guest_sum /tmp/arrived
same_sum "host to guest" "$sent"

guest "head -c $bytes /dev/urandom > /tmp/sent"
guest_sum /tmp/sent
sent=$sum
host 'busybox nc -l -p 5002 <>/tmp/idle >/tmp/arrived & sleep 0.3'
listener=$!
guest "nc $host_address 5002 < /tmp/sent"
wait "$listener" || stop "the listener ended with exit code $?"
host_sum /tmp/arrived
same_sum "guest to host" "$sent"

chapter "What the interfaces say of themselves"
host "ethtool -i $tap"
host "ethtool -S $tap"
host "ip -s link show $tap"
guest "ifconfig $nic"

chapter "Hot-unplug: the link is removed while the guest runs"
host 'rm instances/blue/blue-net'
wait_for 20 nic_is_gone || stop "the guest still has $nic"
guest 'ip link'
guest 'ls /sys/bus/vbus-proxy/devices'
refused "Device or resource busy" "rmdir $config/instances/blue"
ok "the guest's interface is gone, and the bus is kept by its machine"

chapter "And plugged in again"
host 'ln -s devices/blue-net instances/blue/'
wait_for 20 nic_is_there || stop "the guest's interface does not come back"
guest 'ip link'
guest 'ls /sys/bus/vbus-proxy/devices'
guest "ip addr add $guest_address/24 dev $nic"
guest "ip link set $nic up"
wait_for 10 ping -q -n -c 1 -W 1 "$guest_address" || stop "the guest does not answer"
host "ping -n -c 3 -i 0.2 -W 5 $guest_address"
ok "traffic flows again"

chapter "All of it is taken down, in the opposite order"
host "kill $pid"
wait_for 20 bash -c "! kill -0 $pid" || stop "QEMU does not end"
rm -r "${vm_dir:?}/vm"
refused "is in use" 'rmmod venet-tap'
host 'echo 0 > /proc/self/vbus'
host 'rm instances/blue/blue-net'
host 'rmdir instances/blue devices/blue-net'
host 'rmmod venet-tap'
host 'tree --noreport /sys/vbus'
left=$(find /sys/vbus -mindepth 2) || stop "/sys/vbus cannot be read"
[ -z "$left" ] || stop "this was left: $left"
ok "nothing is left"
