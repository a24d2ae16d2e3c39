# SPDX-License-Identifier: GPL-2.0
# The admin guide's session, tree by tree, and every error of administration.
# shellcheck shell=bash disable=SC2016,SC2086,SC2154,SC2231
: "${LOAD:=modprobe venet-tap}" "${UNLOAD:=rmmod venet-tap}"

dev=6a1aff24-5dc0-4aea-9c35-435daef90e55
bus=beb4df8f-7483-4028-b3f7-767512e2a18c
D=$device_dir B=$bus_dir

plain_tree() { tree --charset=ascii --noreport "$1" | sed 's/\xc2\xa0/ /g; s/\xa0/ /g'; }

# Standard input is what the guide prints.
tree_is()	# NAME DIR
{
	local want got

	want=$(cat)
	got=$(plain_tree "$2")
	check_is "$1" "$want" "$got"
}

fails() { check_fails "$1" "$2" bash -c "$3"; }
works() { check "$1" bash -c "$2"; }
is() { check_is "$1" "$2" "$(bash -c "$3" 2>&1)"; }
result() { check "$1" [ "$2" = 0 ]; }

bash -c "$UNLOAD" 2>/dev/null
tree_is "sysfs at boot" /sys/vbus/ <<E
/sys/vbus/
|-- deviceclass
|-- devices
|-- instances
\`-- version
E
tree_is "configfs at boot" /config/vbus/ <<E
/config/vbus/
|-- devices
\`-- instances
E
is "version" 1 "cat /sys/vbus/version"
works "load venet-tap" "$LOAD"
tree_is "class loaded" /sys/vbus <<E
/sys/vbus
|-- deviceclass
|   \`-- venet-tap
|-- devices
|-- instances
\`-- version
E
mkdir $B/$bus
tree_is "bus made" /sys/vbus/ <<E
/sys/vbus/
|-- deviceclass
|   \`-- venet-tap
|-- devices
|-- instances
|   \`-- $bus
|       |-- devices
|       \`-- members
\`-- version
E
mkdir $D/$dev
tree_is "device made" /sys/vbus <<E
/sys/vbus
|-- deviceclass
|   \`-- venet-tap
|-- devices
|   \`-- $dev
|       \`-- interfaces
|-- instances
|   \`-- $bus
|       |-- devices
|       \`-- members
\`-- version
E
fails "link of a device without type" "Invalid argument" "ln -s $D/$dev/ $B/$bus/"
fails "unknown class" "bash: line 1: echo: write error: No such file or directory" "echo foo > $D/$dev/type"
tree_is "the classes there are" /sys/vbus/deviceclass/ <<E
/sys/vbus/deviceclass/
\`-- venet-tap
E
echo venet-tap > $D/$dev/type
tree_is "type set" /sys/vbus/ <<E
/sys/vbus/
|-- deviceclass
|   \`-- venet-tap
|-- devices
|   \`-- $dev
|       |-- class -> ../../deviceclass/venet-tap
|       |-- client_mac
|       |-- enabled
|       |-- host_mac
|       |-- ifname
|       \`-- interfaces
|-- instances
|   \`-- $bus
|       |-- devices
|       \`-- members
\`-- version
E
fails "type a second time" "Device or resource busy" "echo venet-tap > $D/$dev/type"
is "type reads back" venet-tap "cat $D/$dev/type"

linked() {	# MEMBERS...
	cat <<E
/sys/vbus/
|-- deviceclass
|   \`-- venet-tap
|-- devices
|   \`-- $dev
|       |-- class -> ../../deviceclass/venet-tap
|       |-- client_mac
|       |-- enabled
|       |-- host_mac
|       |-- ifname
|       \`-- interfaces
|           \`-- 0 -> ../../../instances/$bus/devices/0
|-- instances
|   \`-- $bus
|       |-- devices
|       |   \`-- 0
|       |       |-- device -> ../../../../devices/$dev
|       |       \`-- type
|       \`-- members
E
}

ln -s $D/$dev/ $B/$bus/
(linked; echo "\`-- version") | tree_is "device on the bus" /sys/vbus/
echo $bus > /proc/self/vbus
is "bus of this shell" $bus "cat /proc/$$/vbus"
LC_ALL=C tree --charset=ascii --noreport /sys/vbus/ >/tmp/members & tpid=$!
wait $tpid
# tree sorts the names as text.
mapfile -t pids < <(printf '%s\n' "$$" "$tpid" | LC_ALL=C sort)
(linked; echo "|           |-- ${pids[0]}"; echo "|           \`-- ${pids[1]}"; echo "\`-- version") > /tmp/want
check_is "members: this shell, and tree sees itself" "$(cat /tmp/want)" "$(sed 's/\xc2\xa0/ /g; s/\xa0/ /g' /tmp/members)"
is "type of the interface" virtual-ethernet "cat /sys/vbus/instances/$bus/devices/0/type"

cat >/tmp/capopen.pl <<'E'
# Open without CAP_SYS_ADMIN (capability 21), write with it.
my $head = pack("L2", 0x20080522, 0);
my $caps = "\0" x 24;
syscall(125, $head, $caps) == 0 or die "capget: $!";
my @word = unpack("L6", $caps);
my $less = pack("L6", $word[0] & ~(1 << 21), @word[1 .. 5]);
syscall(126, $head, $less) == 0 or die "capset: $!";
open(my $before, ">", "/proc/self/vbus") or die "open";
syscall(126, $head, $caps) == 0 or die "capset: $!";
open(my $after, ">", "/proc/self/vbus") or die "open";
syswrite($after, $ARGV[0]) or die "refused when opened with it: $!";
syswrite($before, $ARGV[0]) or die "refused when opened without: $!\n";
E
fails "rmdir of a bus with members" "Device or resource busy" "rmdir $B/$bus"
fails "no such bus" "No such file or directory" "echo nosuchbus > /proc/self/vbus"
fails "rmmod of a class with a device" "is in use" "$UNLOAD"
mkdir $B/second
fails "second bus for a device that takes one" "Device or resource busy" "ln -s $D/$dev $B/second/"
fails "same device twice" "File exists" "ln -s $D/$dev $B/$bus/again"
fails "same device twice, same name" "File exists" "ln -s $D/$dev/ $B/$bus/"
fails "link to a bus" "Invalid argument" "ln -s $B/second $B/$bus/x"
fails "link to the group" "Invalid argument" "ln -s $D $B/$bus/x"
fails "bus named 0" "Invalid argument" "mkdir $B/0"
fails "device named 0" "Invalid argument" "mkdir $D/0"
n127=$(printf 'a%.0s' $(seq 127))
works "bus of 127 bytes" "mkdir $B/$n127 && echo $n127 > /proc/self/vbus && grep -qx $n127 /proc/self/vbus && echo 0 > /proc/self/vbus"
works "its removal" "rmdir $B/$n127"
fails "bus of 128 bytes" "Invalid argument" "mkdir $B/${n127}a"
fails "device of 128 bytes" "Invalid argument" "mkdir $D/${n127}a"
fails "name of 256 bytes" "File name too long" "mkdir $D/$n127${n127}ab"
fails "blank in front" "Invalid argument" "mkdir '$B/ a'"
fails "blank behind" "Invalid argument" "mkdir '$D/a '"
fails "control character" "Invalid argument" "mkdir $B/\$'a\\tb'"
works "blank inside" "mkdir '$B/a b' && echo 'a b' > /proc/self/vbus && echo 0 > /proc/self/vbus"
works "its removal" "rmdir '$B/a b'"
fails "class with odd characters" "Invalid argument" "mkdir $D/x; echo '../foo' > $D/x/type"
fails "empty type" "Invalid argument" "echo > $D/x/type"
rmdir $D/x
fails "long name written" "Invalid argument" "echo ${n127}a > /proc/self/vbus"
fails "empty name written" "Invalid argument" "echo > /proc/self/vbus"
fails "kernel thread" "Operation not permitted" "echo $bus > /proc/2/vbus"
fails "kernel thread, 0" "Operation not permitted" "echo 0 > /proc/2/vbus"
sleep 1000 & other=$!
fails "file of another user" "Permission denied" "setpriv --reuid 1000 --clear-groups bash -c 'echo $bus > /proc/$other/vbus'"
fails "own file without CAP_SYS_ADMIN" "Operation not permitted" "setpriv --reuid 1000 --clear-groups bash -c 'echo $bus > /proc/self/vbus'"
fails "capability before the name" "Operation not permitted" "setpriv --reuid 1000 --clear-groups bash -c 'echo nosuchbus > /proc/self/vbus'"
setpriv --reuid 1000 --clear-groups sleep 1000 & user=$!
sleep 0.2
fails "process that may not be traced" "Operation not permitted" "setpriv --inh-caps=-sys_ptrace --bounding-set=-sys_ptrace bash -c 'echo $bus > /proc/$user/vbus'"
works "process that may be traced" "echo 0 > /proc/$user/vbus"
is "its bus" 0 "cat /proc/$user/vbus"
fails "opened without capability, written with" "refused when opened without: Operation not permitted" "perl /tmp/capopen.pl $bus"
bash -c "sleep 0.1 & exec sleep 60" & parent=$!
sleep 0.6
zombie=$(ps -o pid= --ppid $parent | tr -d ' ')
if [ -n "$zombie" ]; then
	fails "zombie joins" "No such process" "echo $bus > /proc/$zombie/vbus"
	is "zombie is no member" 0 "cat /proc/$zombie/vbus"
	result "zombie is not listed" "$([ -e /sys/vbus/instances/$bus/members/"$zombie" ]; echo $((1 - $?)))"
fi
kill $other $user
wait $other $user 2>/dev/null
is "inherited over fork and exec" $bus "bash -c 'exec cat /proc/self/vbus'"
for m in /sys/vbus/instances/$bus/members/*; do
	[ -d "/proc/${m##*/}" ] || [ ! -e "$m" ] || not_ok "exited members are gone" "$m"
done
is "mask by default" 0xffffffffffffffff "cat $D/$dev/feature_mask"
works "mask set" "echo 0x1f > $D/$dev/feature_mask"
is "mask reads back" 0x1f "cat $D/$dev/feature_mask"
check "features" grep -qx '0x[0-9a-f]*' "$D/$dev/features"
fails "mask that is no number" "Invalid argument" "echo x > $D/$dev/feature_mask"
is "unlisted" 0 "cat $B/$bus/unlisted_members"

sleep 3; wait
echo 0 > /proc/self/vbus
is "no bus" 0 "cat /proc/self/vbus"
is "no members" "" "ls /sys/vbus/instances/$bus/members"
fails "rmdir of a bus with links" "Directory not empty" "rmdir $B/$bus"
fails "rmdir of a device on a bus" "Device or resource busy" "rmdir $D/$dev"
rm $B/$bus/$dev
works "removed device can be linked again" "ln -s $D/$dev $B/second/ && rm $B/second/$dev"
works "rmdir" "rmdir $B/$bus $B/second $D/$dev"
works "unload" "$UNLOAD"
tree_is "sysfs at the end" /sys/vbus/ <<E
/sys/vbus/
|-- deviceclass
|-- devices
|-- instances
\`-- version
E
