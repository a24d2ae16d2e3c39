# SPDX-License-Identifier: GPL-2.0
# QEMU takes memory slots away and puts them back, as chipsets and BARs are programmed.
# The guest is in charge: at 0x90 of the host bridge, PAM0 says whether the BIOS's 64 KB
# below 1 MB are for reading only; if not, they are of one piece with the memory above.
# shellcheck shell=bash disable=SC2154,SC2016

poke='poke() { for i in $(seq "$4"); do
	printf "$2" | dd of=$1/config bs=1 seek=$seek conv=notrunc 2>/dev/null || exit
	printf "$3" | dd of=$1/config bs=1 seek=$seek conv=notrunc 2>/dev/null || exit
	done; }; cd /sys/bus/pci/devices;'
pam="$poke seek=144; poke 0000:00:00.0"
# Where the piece begins that most of the guest's memory is in.
begin() { vm_monitor a 'info mtree -f' | grep -m 1 -o "[0-9a-f]*-0*$(printf %x $(((VM_MEM << 20) - 1)))"; }
works()
{
	check "$1: traffic flows" wait_for 20 ping -q -n -c 1 -W 1 10.0.0.2
	check "$1: TCP to the guest" tcp_to_guest a 10.0.0.2 1000000
	check "$1: TCP to the host" tcp_to_host a 10.0.0.1 1000000
	check_is "$1: the interface is the same" "$index" "$(vm_run a "cat /sys/class/net/$nic/ifindex")"
}

load venet-tap
guest_mem 128
make_bus b && make_device d && link_device b d && host_addr d 10.0.0.1/24
check "the guest boots" start_vm a --bus b -device VGA \
	-object memory-backend-ram,id=m,size=1M,share=on -device ivshmem-plain,memdev=m
check "it has its interface" vm_addr a 10.0.0.2/24
check "traffic flows" ping -q -n -c 1 -W 5 10.0.0.2
nic=$(vm_nic a)
index=$(vm_run a "cat /sys/class/net/$nic/ifindex")
ping -q -f -s 1400 10.0.0.2 >/dev/null 2>&1 &
vm_run a '(while :; do ping -f -s 1400 10.0.0.1 || ping -s 1400 10.0.0.1; done) >/dev/null 2>&1 &'

check "the BIOS can be written to" vm_run a "$pam '\\020' '\\060' 1"
check "memory is of one piece with it" test "$(begin)" '<' 0000000000100000
check "it can only be read" vm_run a "$pam '\\060' '\\020' 1"
check "memory begins above it" test "$(begin)" '>' 0000000000100000-
check "memory goes and comes under traffic" vm_run a "$pam '\\060' '\\020' 50"
works "after it"

for device in vendor:0x1af4.device:0x1110 class:0x030000; do
	check "$device goes and comes" vm_run a "$poke"'
		for i in *; do
			for j in '"${device//./ }"'; do
				grep -q "${j#*:}" "$i/${j%:*}" || continue 2
			done
			seek=4; poke "$i" "\\000" "\\003" 50; exit
		done; false'
done
works "with other devices"

vm_monitor a 'migrate_set_parameter max-bandwidth 1M' >/dev/null
for _ in 1 2 3 4 5 6; do
	vm_monitor a 'migrate -d exec:cat>/dev/null' >/dev/null
	vm_run a "$pam '\\060' '\\020' 3"
	vm_monitor a migrate_cancel >/dev/null
done
works "with a log of what is dirty, on and off"

check "a reset" vm_reset a
check "it has its interface again" vm_addr a 10.0.0.2/24
nic=$(vm_nic a)
index=$(vm_run a "cat /sys/class/net/$nic/ifindex")
works "after the reset"
