# SPDX-License-Identifier: GPL-2.0
# Common code of the scripts; sourced, never run.
# shellcheck shell=bash
#
# A script says what it does by its leading comment (shown by --help), asks for
# packages with need, and does its long steps with step, which keeps a log under
# $build/log and stops the script with the end of that log when a step fails.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$(realpath -m "${VBUS_BUILD:-$top/build}")
logs=$build/log
self=$(basename "$0")
skipped=77			# exit code of what cannot be had here

# The same bytes from every build, so that ccache finds them again.
export CCACHE_BASEDIR=$build CCACHE_NOHASHDIR=1
export CCACHE_SLOPPINESS=time_macros
export KBUILD_BUILD_TIMESTAMP=1 KBUILD_BUILD_USER=vbus KBUILD_BUILD_HOST=vbus
export LC_ALL=C.UTF-8
# Debian's own programs first: they find Debian's modules.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH

die()
{
	echo "$self: $*" >&2
	exit 1
}

# value OPTION [VALUE]: it has one
value()
{
	[ -n "${2:-}" ] || die "$1 needs a value: see scripts/$self --help"
}

skip()
{
	echo "$self: skipped: $*" >&2
	exit "$skipped"
}

# Since the first of the scripts began.
export VBUS_BEGIN=${VBUS_BEGIN:-$EPOCHSECONDS}
elapsed()
{
	local seconds=$((EPOCHSECONDS - VBUS_BEGIN))

	printf '%d:%02d' $((seconds / 60)) $((seconds % 60))
}

say()
{
	echo "[$(elapsed)] $*"
}

# The comment at the top of the script is its help.
usage()
{
	awk 'NR > 2 && !/^#/ { exit } NR > 2 { sub(/^# ?/, ""); print }' "$0"
}

# End a process and all that it started.
kill_tree()
{
	local child

	for child in $(pgrep -P "$1"); do
		kill_tree "$child"
	done
	kill "$1" 2>/dev/null || true
}

step_pid=
cleanup_hook=
cleanup()
{
	local rc=$?

	trap - EXIT
	trap '' INT TERM HUP	# whoever is impatient would leave processes behind
	[ -z "$step_pid" ] || kill_tree "$step_pid"
	[ -z "$cleanup_hook" ] || "$cleanup_hook"
	exit "$rc"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# step_status LOG TEXT COMMAND...: run with output in a log and a sign of life
# every half minute; returns the command's exit code.
step_status()
{
	local log=$logs/$1.log text=$2 begin=$SECONDS beat rc=0

	shift 2
	need_build_dir
	mkdir -p "$logs"
	say "$text"
	"$@" >"$log" 2>&1 </dev/null &
	step_pid=$!
	beat=$((begin + 30))
	while kill -0 "$step_pid" 2>/dev/null; do
		sleep 0.2
		if [ "$SECONDS" -ge "$beat" ]; then
			say "    ... $((SECONDS - begin)) s: $(tail -n 1 "$log" | cut -c 1-60)"
			beat=$((SECONDS + 30))
		fi
	done
	wait "$step_pid" || rc=$?
	step_pid=
	return "$rc"
}

show_log()
{
	echo "--- the last lines of $logs/$1.log" >&2
	tail -n "${2:-25}" "$logs/$1.log" >&2
	echo "---" >&2
}

# step LOG TEXT COMMAND...: the same, and the script ends if the command fails.
step()
{
	local rc=0

	step_status "$@" || rc=$?
	[ "$rc" -ne 0 ] || return 0
	show_log "$1"
	if [ "$(free_mb)" -lt 200 ]; then
		die "$2: failed, the disk is full: free some space or set VBUS_BUILD to another place"
	fi
	die "$2: failed; the whole log is $logs/$1.log"
}

free_mb()
{
	mkdir -p "$build"
	df --output=avail -m "$build" | tail -n 1 | tr -d ' '
}

need_build_dir()
{
	mkdir -p "$build" 2>/dev/null && [ -w "$build" ] ||
		die "cannot write to $build: set VBUS_BUILD to a writable directory"
}

# need_place BASE [DIR]: what --base and --tree may say, and paths that builds can use
need_place()
{
	case $1${2:+ with a tree} in
	'' | 6.12 | mainline | ' with a tree') ;;
	*' with a tree') die "--base and --tree do not go together: a tree of your own is its own base" ;;
	*) die "unknown base $1: it is 6.12 or mainline" ;;
	esac
	need_plain "$top" "$build"
	[ -z "${2:-}" ] || need_kernel_tree "$2"
	need_build_dir
}

# need_plain PATH...: as the kernel's make wants it
need_plain()
{
	local path

	for path; do
		case $(realpath -m "$path") in
		*[[:space:]:]*) die "the kernel's make takes no path with spaces or colons: $path" ;;
		esac
	done
}

# need_space MB
need_space()
{
	need_build_dir
	[ "$(free_mb)" -ge "$1" ] ||
		die "$1 MB are needed in $build and $(free_mb) MB are free: free some or set VBUS_BUILD to another place"
}

# The lab's host shows this machine's files, as root sees them.
need_root()
{
	[ "$(id -u)" -eq 0 ] || die "run this as root"
}

# need_visible PATH...: the lab's host has a /tmp, /run and /dev of its own.
need_visible()
{
	local path

	for path; do
		case $(realpath -m "$path")/ in
		/tmp/* | /run/* | /dev/*)
			die "the lab's host cannot see $path: put it elsewhere than under /tmp, /run or /dev" ;;
		esac
	done
}

is_installed()
{
	[ "$(dpkg-query -W -f '${db:Status-Abbrev}' "$1" 2>/dev/null)" = "ii " ]
}

apt_install()
{
	apt-get -o DPkg::Lock::Timeout=300 update &&
	DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 \
		install -y --no-install-recommends "$@"
}

# need PACKAGE...: install by name what is missing.
need()
{
	local package missing=()

	command -v dpkg-query >/dev/null ||
		die "these scripts need Debian 12, whose packages they install: by hand see Documentation/applying.md"
	for package; do
		is_installed "$package" || missing+=("$package")
	done
	[ "${#missing[@]}" -ne 0 ] || return 0
	[ "$(id -u)" -eq 0 ] ||
		die "packages are missing, run as root: apt-get install ${missing[*]}"
	step_status apt "installing ${missing[*]}" apt_install "${missing[@]}" && return
	show_log apt 8
	die "cannot install ${missing[*]}: check the network, /etc/apt and the free disk space, or install them by hand"
}

# shellcheck disable=SC2034 # for those who source this
build_packages=(bc bison ccache cpio flex gcc git kmod libc6-dev libelf-dev
	libssl-dev make python3 procps rsync xz-utils)
# shellcheck disable=SC2034
lab_packages=(busybox-static cpio ethtool gzip procps qemu-system-x86 iproute2
	iputils-ping kmod tree)

# ---- packages of another Debian release, beside the system's own apt

# The mirror that this machine uses for Debian.
apt_mirror()
{
	local uri

	# shellcheck disable=SC2016 # apt-get's variable
	uri=$(apt-get indextargets --format '$(REPO_URI)' 2>/dev/null |
		grep -m 1 '/debian/*$') || true
	echo "${uri:-http://deb.debian.org/debian}"
}

# apt_in SUITE COMMAND...: an apt program that knows SUITE only and keeps its
# lists under $build/apt; signatures are verified as always.
apt_in()
{
	local dir=$build/apt/$1 program=$2
	local keyring=/usr/share/keyrings/debian-archive-keyring.gpg

	mkdir -p "$dir/lists/partial" "$dir/archives/partial"
	echo "deb [signed-by=$keyring] $(apt_mirror) $1 main" >"$dir/sources.list"
	shift 2
	"$program" -o Dir::Etc::sourcelist="$dir/sources.list" \
		-o Dir::Etc::sourceparts=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
		-o Dir::State::lists="$dir/lists" \
		-o Dir::Cache="$dir" -o Dir::Cache::pkgcache= \
		-o Dir::Cache::srcpkgcache= -o APT::Sandbox::User=root "$@"
}

# apt_update_in SUITE: at most once a day
apt_update_in()
{
	local stamp=$build/apt/$1/updated

	[ -z "$(find "$stamp" -mtime -1 2>/dev/null)" ] || return 0
	apt_in "$1" apt-get -o APT::Update::Error-Mode=any update || return
	touch "$stamp"
}

# apt_unpack SUITE DIR PACKAGE...: into DIR, nothing is installed
apt_unpack()
{
	local suite=$1 dir=$2 deb

	shift 2
	mkdir -p "$dir/debs"
	(cd "$dir/debs" && apt_in "$suite" apt-get download "$@") || return
	for deb in "$dir"/debs/*.deb; do
		dpkg-deb -x "$deb" "$dir" || return
	done
	rm -r "$dir/debs"
}

# ---- kernel trees and the series

# need_kernel_tree DIR: a kernel's source, which git can read if it is in git
need_kernel_tree()
{
	local dir error

	if [ ! -e "$1/Kbuild" ] || [ ! -e "$1/MAINTAINERS" ]; then
		die "$1 is no kernel tree: give --tree a directory with the kernel's source"
	fi
	need_plain "$1"
	[ -e "$1/.git" ] || return 0
	need git
	error=$(git -C "$1" rev-parse --verify HEAD 2>&1 >/dev/null) || case $error in
	*"dubious ownership"*)
		printf -v dir %q "$(realpath "$1")"
		die "git does not read $1, it is another user's: git config --global --add safe.directory $dir" ;;
	*"single revision"*) die "$1 has no commit: git -C $1 add -A && git -C $1 commit, or remove its .git" ;;
	*) die "git cannot read $1: ${error%%$'\n'*}" ;;
	esac
}

# need_tag_base DIR: for what asks which commits are the series
need_tag_base()
{
	[ -e "$1/.git" ] || die "$1 is no git tree: the commits after the tag base are the series"
	git -C "$1" rev-parse -q --verify base >/dev/null ||
		die "$1 has no tag base, mark where the series begins: git -C $1 tag base COMMIT"
}

# own_name DIR: what is made of a tree of one's own is called so
own_name()
{
	local dir

	dir=$(cd "$1" && pwd)
	echo "$(basename "$dir")-$(echo "$dir" | sha1sum | cut -c 1-6)"
}

# tree_of BASE [DIR]: the kernel tree with the series, made if it is not there.
# Sets $tree, and $tree_name for what is built from it.
tree_of()
{
	local which=(--base "${1:-6.12}") rc=0

	[ -z "${2:-}" ] || which=(--tree "$2")
	"$top/scripts/tree" "${which[@]}" --record "$build/.tree.$$" || rc=$?
	[ "$rc" -eq 0 ] || exit "$rc"
	{ read -r tree_name; read -r tree; } <"$build/.tree.$$"
	rm "$build/.tree.$$"
	export tree tree_name
}

series_files()
{
	[ ! -e "$top/series" ] || sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$top/series"
}

# series_mails TREE DIR [BRANCH]: the series as mails that depend on nothing but
# the commits themselves.
series_mails()
{
	git -C "$1" -c core.abbrev=40 -c diff.noprefix=false -c diff.mnemonicPrefix=false \
		-c diff.renames=false -c diff.algorithm=histogram -c format.notes=false \
		-c format.headers= -c format.signOff=false \
		-c format.useAutoBase=false -c diff.context=3 \
		-c format.suffix=.patch -c format.encodeEmailHeaders=true -c diff.suppressBlankEmpty=false \
		-c diff.interHunkContext=0 -c diff.statNameWidth=60 \
		format-patch --quiet --full-index --zero-commit --no-signature \
		--numbered --no-cover-letter --no-attach --no-thread --no-add-header --no-to --no-cc --no-from \
		--subject-prefix=PATCH --stat=72 --no-ext-diff --no-textconv -O/dev/null \
		-o "$2" "base..${3:-vbus}"
}

# Does the tree hold what patches/ says? Compares the mails themselves.
series_matches()
{
	local dir rc=0

	dir=$(mktemp -d "$build/mails.XXXXXX")
	series_mails "$1" "$dir" "${2:-vbus}"
	[ "$(cd "$dir" && ls)" = "$(series_files | sed 's,^patches/,,' | sort)" ] || rc=1
	[ "$rc" -ne 0 ] || [ -z "$(ls "$dir")" ] || diff -rq "$dir" "$top/patches" >/dev/null || rc=1
	rm -r "$dir"
	return "$rc"
}

# need_kind KIND: one that scripts/build can build
need_kind()
{
	case $1 in
	lab | debug | bench | distro) ;;
	*) die "unknown kind ${1:-\"\"} of kernel: it is lab, debug, bench or distro" ;;
	esac
}

has_series()
{
	[ -e "$1/kernel/vbus/Kconfig" ]
}

# ---- counting and judging

# totals WHAT PASSED FAILED SKIPPED: on screen, and for scripts/test.
totals()
{
	say "$1: $2 passed, $3 failed, $4 skipped"
	[ -z "${VBUS_RESULTS:-}" ] || echo "$2 $3 $4 $1" >>"$VBUS_RESULTS"
}

passed=0 failed=0 skips=0

# judge NAME COMMAND...: ok if it succeeds and says nothing
judge()
{
	local name=$1 output rc=0

	shift
	output=$("$@" 2>&1) || rc=$?
	if [ "$rc" -eq 0 ] && [ -z "$output" ]; then
		echo "ok $name"
		passed=$((passed + 1))
	elif [ "$rc" -eq "$skipped" ]; then
		echo "skip $name: ${output##*$'\n'}"
		skips=$((skips + 1))
	else
		echo "not ok $name"
		printf '%s\n' "${output:-exit code $rc, no output}" | sed -n '1,40s/^/    /p'
		failed=$((failed + 1))
	fi
}

# judge_rc: the same, its output does not matter
judge_rc() { judge "$1" silent "${@:2}"; }

silent()
{
	local output rc=0

	output=$("$@" 2>&1) || rc=$?
	[ "$rc" -eq 0 ] || printf '%s\n' "$output"
	return "$rc"
}

# judged WHAT: the totals of judge, and their exit code
judged()
{
	totals "$1" "$passed" "$failed" "$skips"
	[ "$failed" -eq 0 ]
}

# shellcheck source=lab/reports.sh
. "$top/scripts/lab/reports.sh"
