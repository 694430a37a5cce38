#!/bin/sh
# Makes a small root filesystem of Debian's busybox-static: scripts/rootfs.sh DIR
#
# Busybox is taken from the machine, if it is there and needs no library, else from Debian's package, which is unpacked
# and not installed: that needs apt-get and dpkg-deb, but not root.
set -eu

fail() {
  echo "rootfs.sh: $1" >&2
  exit 1
}

[ $# -eq 1 ] || fail "needs the folder to make: scripts/rootfs.sh DIR"
root=$1
[ ! -e "$root/bin/busybox" ] || fail "$root is there already: name another folder"

unpacked=
trap '[ -z "$unpacked" ] || rm -rf "$unpacked"' EXIT

is_static() { [ -x "$1" ] && ! ldd "$1" >/dev/null 2>&1; }

busybox=
for found in /bin/busybox /usr/bin/busybox; do
  if is_static "$found"; then busybox=$found; break; fi
done
if [ -z "$busybox" ]; then
  command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null ||
    fail "needs a static busybox: install it (Debian's busybox-static)"
  unpacked=$(mktemp -d)
  (cd "$unpacked" && apt-get download -qq busybox-static >/dev/null && dpkg-deb -x busybox-static_*.deb .) ||
    fail "cannot download Debian's busybox-static: run apt-get update as root, or install busybox-static"
  for found in "$unpacked/bin/busybox" "$unpacked/usr/bin/busybox"; do
    if is_static "$found"; then busybox=$found; break; fi
  done
  [ -n "$busybox" ] || fail "Debian's busybox-static has no static busybox"
fi

mkdir -p "$root"
for folder in bin dev etc home/joe proc root sys tmp usr/bin var/tmp; do mkdir -p "$root/$folder"; done
chmod 1777 "$root/tmp" "$root/var/tmp"
cp "$busybox" "$root/bin/busybox"
chmod 755 "$root" "$root/bin/busybox"
for applet in $("$busybox" --list); do
  [ "$applet" = busybox ] || ln -s busybox "$root/bin/$applet"
done
printf '%s\n' 'root:x:0:0:root:/root:/bin/sh' 'joe:x:1000:1000:Joe:/home/joe:/bin/sh' >"$root/etc/passwd"
printf '%s\n' 'root:x:0:' 'tty:x:5:' 'joe:x:1000:' 'audio:x:29:joe' 'users:x:100:joe' >"$root/etc/group"
