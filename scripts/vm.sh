#!/bin/sh
# Runs one command in a throw-away virtual machine that has a pure cgroup v2 hierarchy, or what --cgroups says, whatever
# cgroups the machine it is started on has.
#
# usage: scripts/vm.sh [-s] [--cgroups KIND] [--lsm NAME] [-m MIB] [-c CPUS] [--kernel PACKAGE] -- COMMAND [ARGUMENT...]
#
#   -s                boot systemd as PID 1: system and user managers, D-Bus, logind
#   --cgroups KIND    v2; or, with -s and a systemd before 256, v1: version 1 alone, or hybrid: version 2 without controllers
#                     beside it
#   --lsm NAME        apparmor, or selinux: whose labels processes have; no profile or policy is loaded
#   -m MIB            memory, 2048
#   -c CPUS           processors, 2 (user-mode-linux only ever has one)
#   --kernel PACKAGE  the Debian package of the kernel to boot:
#       user-mode-linux    the default. Needs no KVM, no QEMU and no root. Its cgroup controllers are cpu, io, memory and
#                          pids. Its memory is a file in TMPDIR or else /dev/shm, where there must be room for it and no
#                          noexec.
#       linux-image-amd64  or any other linux-image-*-amd64 (but -cloud-, which has no 9p), in QEMU: with KVM where the
#                          processor offers it, else ten times slower than user-mode-linux. Has every controller.
#
# The command runs as root in the present directory and sees this machine's files, PATH and HOME. The root is an overlay:
# what the command writes is gone afterwards. TMPDIR is plain ext4, so that overlays can be mounted on it. Standard output
# and error come out here byte for byte (each in order, but not relative to one another); standard input is empty. It exits
# with the command's status, or with 125 when the machine could not be made or died, and the last line on stderr says why.
#
# It is no barrier: root inside can reach this machine's files. Needs Debian 12 or later, on amd64. The first use downloads
# packages with apt into ~/.cache/minicontainer-vm, which may be deleted at any time, and as root installs what is missing.
set -eu

say() { echo "vm.sh: $*" >&2; }
die() { say "$@"; exit 125; }
usage() { sed -n '/^# usage/,/^# The command/s/^# \{0,1\}//p' "$0" | sed '$d' >&2; exit 125; }

package=user-mode-linux systemd='' cgroups=v2 lsm=apparmor mib=2048 cpus=2
while [ $# -gt 0 ]; do
    case $1 in
        --) shift; break ;;
        -s) systemd=1 ;;
        -m | -c | --kernel | --cgroups | --lsm)
            [ $# -gt 1 ] || usage
            case $1 in -m) mib=$2 ;; -c) cpus=$2 ;; --kernel) package=$2 ;; --lsm) lsm=$2 ;; *) cgroups=$2 ;; esac
            shift
            ;;
        --kernel=*) package=${1#*=} ;;
        --cgroups=*) cgroups=${1#*=} ;;
        --lsm=*) lsm=${1#*=} ;;
        -*) usage ;;
        *) break ;;
    esac
    shift
done
[ $# -gt 0 ] || usage
tree='' # what systemd is told of it
case $cgroups${systemd:+-s} in
    v2 | v2-s) ;;
    v1-s) tree='systemd.unified_cgroup_hierarchy=0 systemd.legacy_systemd_cgroup_controller=1' ;;
    hybrid-s) tree='systemd.unified_cgroup_hierarchy=0 systemd.legacy_systemd_cgroup_controller=0' ;;
    *) usage ;;
esac
case $lsm in apparmor | selinux) ;; *) usage ;; esac

for tool in apt-get dpkg; do
    command -v $tool >/dev/null || die "needs Debian: $tool is missing"
done
[ "$(dpkg --print-architecture)" = amd64 ] || die "needs a machine of the architecture amd64"
own=$(cd "$(dirname "$0")" && pwd -P)

HOME=${HOME:-/root}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/minicontainer-vm/$package
run=$(mktemp -d "${TMPDIR:-/tmp}/minicontainer-vm.XXXXXX")
new='' vm='' group='' status=''
# Some of user-mode-linux's processes outlive it now and then, and turn for ever.
end_what_is_left() {
    [ -z "$group" ] || kill -KILL -- "-$group" 2>/dev/null || :
    group=''
}
clean_up() {
    trap '' HUP INT TERM
    [ -z "$vm" ] || { kill "$vm" && wait "$vm"; } 2>/dev/null || :
    end_what_is_left
    rm -rf "$run" ${new:+"$new"}
    exit "${status:-125}"
}
trap clean_up EXIT
trap 'status=129; exit' HUP
trap 'status=130; exit' INT
trap 'status=143; exit' TERM

# --- The first use: fill the cache -------------------------------------------

# Runs a command, showing what it says only when it fails.
quietly() {
    "$@" >"$run/log" 2>&1 || { cat "$run/log" >&2; die "failed: $*"; }
}

as_root() {
    [ "$(id -u)" = 0 ] || die "root must run this once: $*"
    quietly "$@"
}

# Installs the packages $2 unless the command $1 is there.
need() {
    command -v "$1" >/dev/null || {
        as_root apt-get update
        as_root env DEBIAN_FRONTEND=noninteractive \
            apt-get -y -o DPkg::Lock::Timeout=600 install --no-install-recommends $2
    }
}

# Unpacks a Debian package into the present directory, installing nothing.
unpack() {
    apt-get download "$1" >/dev/null 2>&1 || {
        as_root apt-get update
        quietly apt-get download "$1"
    }
    dpkg -x "$1"_*.deb .
    rm "$1"_*.deb
}

# Makes, in the present directory: kernel, lib/modules/VERSION, busybox, an empty
# disk, and initrd, the archive of busybox and the modules that /init loads.
fill_cache() {
    PATH=$PATH:/usr/sbin:/sbin
    need mke2fs e2fsprogs
    truncate -s 16G disk # of which only what is written takes space
    mke2fs -q -t ext4 -m 0 -O ^has_journal -E lazy_itable_init=1,nodiscard disk

    unpack busybox-static
    mv bin/busybox .
    if [ "$package" = user-mode-linux ]; then
        unpack user-mode-linux
        mv usr/bin/linux.uml kernel
        mkdir lib
        mv usr/lib/uml/modules lib
        set -- overlay
    else
        need qemu-system-x86_64 qemu-system-x86
        need xz xz-utils
        # linux-image-amd64 is empty and depends on the one with the kernel.
        real=$(apt-cache depends "$package" | sed -n 's/^ *Depends: linux-image/linux-image/p')
        unpack "${real:-$package}"
        # The machine starts sooner from a kernel that is uncompressed here.
        offset=$(LC_ALL=C grep -abo "$(printf '\3757zXZ')" boot/vmlinuz-* | head -n 1)
        tail -c +$((${offset%%:*} + 1)) boot/vmlinuz-* | xz -dc --single-stream >kernel
        # Most of the modules are for hardware: keep what is of use here.
        for dir in lib/modules/*/kernel/drivers/* lib/modules/*/kernel/sound \
            lib/modules/*/kernel/drivers/net/ethernet lib/modules/*/kernel/drivers/net/wireless; do
            case $dir in */block | */md | */net | */virtio) ;; *) rm -r "$dir" ;; esac
        done
        set -- virtio_pci virtio_blk crc32c_generic ext4 9pnet_virtio 9p overlay
    fi
    rm -rf bin boot usr

    version=$(ls lib/modules)
    modules=lib/modules/$version
    [ -e "$modules/modules.dep" ] || quietly ./busybox depmod -b "$PWD" "$version"
    mkdir boot
    cp busybox boot
    number=100
    for module; do
        # "FILE: DEPENDENCY...", of which the last is to be loaded first
        grep "/$module\.ko:" "$modules/modules.dep" | tr -d : | tr ' ' '\n' | tac
    done | awk 'NF && !seen[$0]++' | while read -r file; do
        number=$((number + 1))
        cp "$modules/$file" boot/$number.ko
    done
    (cd boot && find . | ../busybox cpio -o -H newc 2>/dev/null) >initrd
    rm -r boot
}

if [ "$systemd" ]; then
    need /lib/systemd/systemd systemd
    need dbus-daemon dbus
    [ -e /usr/share/pam-configs/systemd ] && [ -e /usr/lib/systemd/user/dbus.socket ] ||
        need '' 'dbus-user-session libpam-systemd'
fi
if [ ! -d "$cache" ]; then
    say "preparing $package in $cache"
    mkdir -p "${cache%/*}"
    new=$(mktemp -d "$cache.XXXXXX")
    (cd "$new"; fill_cache)
    mv -T "$new" "$cache" 2>/dev/null || [ -d "$cache" ] # or another just made it
fi
cache=$(cd "$cache" && pwd -P)

# See uml_xstate.c.
preload=
if [ "$package" = user-mode-linux ] && grep -qw amx_tile /proc/cpuinfo; then
    preload=$run/uml_xstate.so
    need cc 'gcc libc6-dev'
    quietly cc -O2 -shared -fPIC -o "$preload" "$own/uml_xstate.c"
fi

# --- What the machine runs ---------------------------------------------------

# Prints the arguments quoted for the shell, each on a line that goes on.
quote() {
    for word; do
        printf '%s\n' "$word" | sed "s/'/'\\\\''/g; 1s/^/'/; \$s/\$/' \\\\/"
    done
    echo
}

mkdir "$run/io" "$run/initrd"
touch "$run/io/stdout" "$run/io/stderr" "$run/io/status"

{
    echo 'set -e'
    printf 'cd -- '
    quote "$PWD"
    printf 'export TERM=dumb TMPDIR=/run/vm/tmp '
    quote "PATH=$PATH" "HOME=$HOME"
    printf 'exec '
    quote "$@"
} >"$run/initrd/job"

# The parent of the command is PID 1 or, under systemd, a service.
cat >"$run/initrd/parent" <<'END'
cd /run/vm
./busybox mkfifo out err
./busybox cat <out >io/stdout & out=$!
./busybox cat <err >io/stderr & err=$!
./busybox setsid /bin/sh job </dev/null >out 2>err &
wait $!
status=$?
# What the command left running must not keep its output open.
for dir in /proc/[0-9]*; do
    case ${dir#/proc/} in 1 | $$ | $out | $err) ;; *) kill -9 ${dir#/proc/} ;; esac
done 2>/dev/null
wait $out $err
echo $status >io/status
./busybox poweroff -f
END

if [ "$package" = user-mode-linux ]; then
    disk=ubda root_mount='-t hostfs -o ro,/ root'
    io_mount="-t hostfs -o sync,$run/io io"
else
    disk=vda root_mount='-t 9p -o ro,cache=loose,trans=virtio,version=9p2000.L,msize=524288 root'
    io_mount='-t 9p -o cache=none,trans=virtio,version=9p2000.L,msize=524288 io'
fi

{
    echo '#!/busybox sh'
    echo "root_mount='$root_mount' io_mount='$io_mount' disk=$disk systemd=$systemd cgroups=$cgroups"
    printf 'cache='
    quote "$cache"
    cat <<'END'
set -e
/busybox mkdir -p /bin /dev /host /rw /new
/busybox --install -s /bin
export PATH=/bin
for module in /*.ko; do insmod $module; done
mount -t devtmpfs devtmpfs /dev
mount $root_mount /host
mount -t ext4 -o noinit_itable "/dev/$disk" /rw
mkdir /rw/upper /rw/work
mkdir -m 1777 /rw/tmp
mount -t overlay -o lowerdir=/host,upperdir=/rw/upper,workdir=/rw/work overlay /new

cd /new
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t securityfs securityfs sys/kernel/security
mount --move /dev dev
mount -t tmpfs -o mode=755 tmpfs run
mkdir -p dev/pts dev/shm dev/mqueue dev/net
mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts dev/pts
mount -t tmpfs -o mode=1777 tmpfs dev/shm
mount -t mqueue mqueue dev/mqueue
ln -s /proc/self/fd dev/fd
ln -s fd/0 dev/stdin
ln -s fd/1 dev/stdout
ln -s fd/2 dev/stderr
# Opening these loads their modules.
mknod -m 666 dev/fuse c 10 229
mknod -m 666 dev/net/tun c 10 200
mknod -m 660 dev/loop-control c 10 237

mkdir -p lib/modules
mount --bind "/host$cache/lib/modules" lib/modules
ln -sf /run/vm/busybox sbin/modprobe

# Version 1 systemd mounts by itself.
[ $cgroups != v2 ] || {
    mount -t cgroup2 -o nsdelegate,memory_recursiveprot cgroup2 sys/fs/cgroup
    for controller in $(cat sys/fs/cgroup/cgroup.controllers); do
        echo +$controller >sys/fs/cgroup/cgroup.subtree_control
    done
}

mkdir -p run/vm/io run/vm/tmp
mount $io_mount run/vm/io
mount --bind /rw/tmp run/vm/tmp
cp /busybox /job /parent run/vm
hostname vm
ifconfig lo up
mount --make-rshared /new

[ $systemd ] || exec switch_root /new /run/vm/busybox sh /run/vm/parent

# Of what is enabled on the host, start only what sessions and D-Bus need.
rm -f .dockerenv
units=run/systemd/system
mkdir -p $units/systemd-tmpfiles-setup.service.d
for unit in lib/systemd/system/*.target.wants/* etc/systemd/system/*.target.wants/*; do
    unit=${unit##*/}
    case $unit in
        \* | dbus.* | systemd-journald* | systemd-logind.*) ;;
        systemd-tmpfiles-setup.* | systemd-user-sessions.*) ;;
        *) ln -sf /dev/null "$units/$unit" ;;
    esac
done
cat >$units/systemd-tmpfiles-setup.service.d/vm.conf <<UNIT
[Service]
ExecStart=
ExecStart=systemd-tmpfiles --create --prefix=/run
UNIT
cat >$units/vm.service <<UNIT
[Unit]
Wants=dbus.socket systemd-logind.service systemd-user-sessions.service
After=dbus.socket systemd-logind.service systemd-user-sessions.service
[Service]
ExecStart=/run/vm/busybox sh /run/vm/parent
TasksMax=infinity
UNIT
cat >$units/vm.target <<UNIT
[Unit]
Requires=basic.target
Wants=vm.service
UNIT
exec switch_root /new /lib/systemd/systemd --unit=vm.target
END
} >"$run/initrd/init"
chmod 755 "$run/initrd/init"

cp --sparse=always "$cache/disk" "$run/disk"
{
    cat "$cache/initrd"
    (cd "$run/initrd" && find . | "$cache/busybox" cpio -o -H newc 2>/dev/null)
} >"$run/initrd.img"

# --- The machine -------------------------------------------------------------

if [ "$package" = user-mode-linux ]; then
    set -- "$cache/kernel" "mem=${mib}M" "initrd=$run/initrd.img" "ubd0=$run/disk" \
        "uml_dir=$run" con=null con0=null,fd:1 ssl=null \
        quiet lsm=yama,$lsm fstab=no $tree
    [ ! "$preload" ] || set -- env LD_PRELOAD="$preload" "$@"
    # Its kernel and programs take turns as processes here: several times faster
    # on one processor.
    cpu=$(($$ % $(nproc)))
    ! taskset -c "$cpu" true 2>/dev/null || set -- taskset -c "$cpu" "$@"
else
    # /dev/kvm is not enough: kvm_pvm, say, runs no kernel but its own.
    if [ -w /dev/kvm ] && { [ -d /sys/module/kvm_intel ] || [ -d /sys/module/kvm_amd ]; }; then
        set -- -accel kvm -cpu host
    else
        set -- -accel tcg,thread=multi -cpu max
    fi
    set -- qemu-system-x86_64 -machine q35 "$@" -smp "$cpus" -m "$mib" \
        -nodefaults -no-user-config -no-reboot -display none -serial stdio \
        -kernel "$cache/kernel" -initrd "$run/initrd.img" \
        -append 'console=ttyS0 quiet panic=-1 mitigations=off no5lvl fstab=no'" security=$lsm $tree" \
        -fsdev local,id=root,path=/,security_model=none,readonly=on,multidevs=remap \
        -device virtio-9p-pci,fsdev=root,mount_tag=root \
        -drive "file=$run/disk,format=raw,if=virtio,cache=unsafe" \
        -fsdev "local,id=io,path=$run/io,security_model=none" \
        -device virtio-9p-pci,fsdev=io,mount_tag=io
fi
setsid "$@" </dev/null >"$run/console" 2>&1 &
vm=$! group=$!
tail -c +1 -s 0.05 --pid="$vm" -f "$run/io/stdout" &
stdout=$!
tail -c +1 -s 0.05 --pid="$vm" -f "$run/io/stderr" >&2 &
stderr=$!
wait "$vm" || :
vm=''
end_what_is_left
wait "$stdout" "$stderr" || :
read -r status <"$run/io/status" || {
    tail -n 30 "$run/console" >&2
    die 'the machine stopped before the command was done'
}
