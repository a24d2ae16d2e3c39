// SPDX-License-Identifier: GPL-2.0-only
/*
 * For guests that have nothing but busybox: load a kernel, and start it.
 *
 *	kexec load KERNEL INITRD COMMAND-LINE
 *	kexec go
 */
#include <fcntl.h>
#include <linux/reboot.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int kernel, initrd;

	if (argc == 5 && !strcmp(argv[1], "load")) {
		kernel = open(argv[2], O_RDONLY);
		initrd = open(argv[3], O_RDONLY);
		if (kernel < 0 || initrd < 0 ||
		    syscall(SYS_kexec_file_load, kernel, initrd,
			    strlen(argv[4]) + 1, argv[4], 0UL)) {
			perror("kexec load");
			return 1;
		}
		return 0;
	}
	if (argc == 2 && !strcmp(argv[1], "go")) {
		/* As kexec(8) does with -e; devices are shut down by the kernel. */
		syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2,
			LINUX_REBOOT_CMD_KEXEC, NULL);
		perror("kexec go");
		return 1;
	}
	fprintf(stderr, "usage: kexec load KERNEL INITRD COMMAND-LINE | kexec go\n");
	return 2;
}
