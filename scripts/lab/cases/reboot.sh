# SPDX-License-Identifier: GPL-2.0
# The guest reboots, and starts another kernel by kexec; both find the device.
# shellcheck shell=bash disable=SC2154,SC2016

load venet-tap
make_bus b && make_device d && link_device b d && host_addr d 10.0.0.1/24
# The kernel that kexec starts comes on two disks.
check "the guest boots" start_vm a --bus b \
	-drive "if=none,id=k,format=raw,readonly=on,file=$LAB_GUEST_KERNEL" -device virtio-blk,drive=k \
	-drive "if=none,id=i,format=raw,readonly=on,file=$LAB_GUEST_INITRD" -device virtio-blk,drive=i
check "it has its interface" vm_addr a 10.0.0.2/24
check "traffic flows" ping -q -n -c 1 -W 5 10.0.0.2
ping -q -f -s 1400 10.0.0.2 >/dev/null 2>&1 &
flood=$!
vm_run a '(sleep 1; reboot -f) >/dev/null 2>&1 &'
check "it comes up after a reboot" wait_vm a 2
check "it has its interface again" vm_addr a 10.0.0.2/24
check "traffic flows after the reboot" wait_for 20 ping -q -n -c 1 -W 1 10.0.0.2

if [ ! -x "$LAB_SELFTESTS/kexec" ]; then
	not_ok "kexec" "$LAB_SELFTESTS/kexec is not built"
else
	vm_put a "$LAB_SELFTESTS/kexec" /tmp/kexec
	kernel_size=$(stat -L -c %s "$LAB_GUEST_KERNEL") initrd_size=$(stat -L -c %s "$LAB_GUEST_INITRD")
	check "kexec loads a kernel" vm_run a "chmod +x /tmp/kexec &&
		head -c $kernel_size /dev/vda >/tmp/kernel && head -c $initrd_size /dev/vdb >/tmp/initrd &&
		/tmp/kexec load /tmp/kernel /tmp/initrd \"\$(cat /proc/cmdline)\""
	vm_run a '(sleep 1; /tmp/kexec go) >/dev/null 2>&1 &'
	check "it comes up after kexec" wait_vm a 3
	check "it has its interface after kexec" vm_addr a 10.0.0.2/24
	check "traffic flows after kexec" wait_for 20 ping -q -n -c 1 -W 1 10.0.0.2
fi
kill "$flood"
