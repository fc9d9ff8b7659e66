#!/usr/bin/env bash
# Test machines made of Linux namespaces: root folder, processes, network, host name, home, /tmp and sshd of their own.
# Debian's programs are those of this machine (/usr, read-only); needs root. `lab.py` beside this says what for.
#   lab.sh serve              a network of its own; all machines end with it, and it ends with its standard input
#   lab.sh on COMMAND...      runs a command where `serve` runs (its process id is SERVER)
#   lab.sh make NAME USER     the files of a machine, once
#   lab.sh boot NAME IP       switches it on;   lab.sh kill NAME   pulls its plug
#   lab.sh in NAME USER COMMAND...   runs a command there
# LAB is the folder of the machines, WHEELS a folder of wheels: they reach no package registry. With HOMES, all of them
# have that folder as /home. A machine that has a program /etc/boot starts that instead of sshd.
set -euo pipefail
self=$(readlink -f "$0")

serve() { # the first process of its namespaces; /run is its own, since the names of networks lie there
  mount -t tmpfs none /run
  mkdir /run/netns
  ip link add switch type bridge
  ip link set switch up
  ip link set lo up
  echo ready
  cat > /dev/null
}

on() { nsenter --target "$SERVER" --net --pid --mount --ipc "$@"; }

make() { # NAME USER
  local d=$LAB/$1 uid=2000 home
  home=${HOMES:-$d/home}/$2
  mkdir -p "$d"/{root,home,tmp,var/log,var/tmp,var/empty,var/lib,var/spool,rootuser} "$home/.ssh"
  cp -a /etc "$d/etc"
  chmod 1777 "$d/tmp" "$d/var/tmp"
  echo "$1" > "$d/etc/hostname"
  # As Debian's installer writes it: a machine's own name is no address that others could use.
  printf '127.0.0.1 localhost\n127.0.1.1 %s\n' "$1" | cat - <(grep -v "[[:space:]]$1\$" "$LAB/hosts") > "$d/etc/hosts"
  : > "$d/etc/resolv.conf"
  rm -rf "$d"/etc/{xdg/pip,pip.conf,ssh/sshd_config.d,profile.d} "$d"/etc/ssh/ssh_host_*
  printf '[global]\nno-index = true\nfind-links = /srv/wheels\ndisable-pip-version-check = true\n' > "$d/etc/pip.conf"
  echo "$2:x:$uid:$uid::/home/$2:/bin/bash" >> "$d/etc/passwd"
  echo "$2:x:$uid:" >> "$d/etc/group"
  echo "$2:*:19000:0:99999:7:::" >> "$d/etc/shadow"
  cp /etc/skel/.bashrc /etc/skel/.profile "$home/"
  cp "$LAB/key" "$home/.ssh/id_ed25519"
  cp "$LAB/key.pub" "$home/.ssh/authorized_keys"
  ssh-keygen -q -t ed25519 -N '' -f "$d/etc/ssh/ssh_host_ed25519_key"
  printf '%s\n' 'HostKey /etc/ssh/ssh_host_ed25519_key' 'UsePAM no' 'PasswordAuthentication no' 'PermitRootLogin no' \
    'Subsystem sftp /usr/lib/openssh/sftp-server' 'PidFile none' 'MaxStartups 100' > "$d/etc/ssh/sshd_config"
  chown -R "$uid:$uid" "$home"
  chmod 700 "$home" "$home/.ssh"
}

boot() { # NAME IP, where `serve` runs
  local d=$LAB/$1
  find "$d/tmp" "$d/var/tmp" -mindepth 1 -delete
  ip netns delete "$1" 2> /dev/null || true
  ip link delete "to-$1" 2> /dev/null || true
  ip netns add "$1"
  ip link add eth0 netns "$1" type veth peer name "to-$1"
  ip link set "to-$1" master switch up
  ip -n "$1" address add "$2/24" dev eth0
  ip -n "$1" link set eth0 up
  ip -n "$1" link set lo up
  setsid nsenter --net="/run/netns/$1" unshare --pid --mount --uts --ipc --fork --kill-child \
    bash "$self" init "$1" < /dev/null > "$d/console" 2>&1 &
  for _ in $(seq 300); do
    grep -q '^ready' "$d/console" && pgrep -P $! > "$d/pid" && return
    sleep 0.1
  done
  cat "$d/console"
  return 1
}

init() { # the first process of a machine
  local d=$LAB/$1 r=$LAB/$1/root n
  mount --make-rprivate /
  mount -t tmpfs -o mode=755,size=16m none "$r"
  mkdir -p "$r"/{usr,etc,home,root,tmp,var,run,dev,proc,sys,srv/wheels}
  for n in bin sbin lib lib64; do ln -s usr/$n "$r/$n"; done
  mount --bind -o ro /usr "$r/usr"
  mount -t tmpfs -o mode=755 none "$r/usr/local" # nothing but what Debian ships
  for n in etc tmp var; do mount --bind "$d/$n" "$r/$n"; done
  mount --bind "${HOMES:-$d/home}" "$r/home"
  mount --bind "$d/rootuser" "$r/root"
  mount --bind -o ro "$WHEELS" "$r/srv/wheels"
  mount -t tmpfs -o mode=755 none "$r/run"
  mkdir -p "$r/run/sshd" "$r/run/old"
  mount -t proc proc "$r/proc"
  mount --rbind /sys "$r/sys"
  mount -t tmpfs -o mode=755 none "$r/dev"
  mkdir "$r"/dev/{shm,pts}
  mount -t tmpfs -o mode=1777 none "$r/dev/shm"
  mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts "$r/dev/pts"
  ln -s pts/ptmx "$r/dev/ptmx"
  for n in null zero full random urandom tty; do : > "$r/dev/$n"; mount --bind "/dev/$n" "$r/dev/$n"; done
  ln -s /proc/self/fd "$r/dev/fd"
  hostname "$1"
  cd "$r"
  pivot_root . run/old
  cd /
  umount -l /run/old
  for n in $(compgen -e); do unset "$n"; done
  export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8
  if [ -x /etc/boot ]; then /etc/boot; else /usr/sbin/sshd; fi
  echo ready
  while :; do sleep infinity & wait $!; done # bash reaps what daemons leave
}

inside() { # NAME USER COMMAND..., where `serve` runs
  local pid user=$2
  pid=$(cat "$LAB/$1/pid")
  shift 2
  exec nsenter --target "$pid" --net --pid --mount --uts --ipc --root --wdns=/ env -i LANG=C.UTF-8 TERM=dumb \
    PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin su "$user" -s /bin/bash -c 'cd; exec "$@"' -- bash "$@"
}

verb=$1
shift
case $verb in
  serve | make | init) "$verb" "$@" ;;
  boot) on bash "$self" booted "$@" ;;
  booted) boot "$@" ;;
  in) on bash "$self" inside "$@" ;;
  inside) inside "$@" ;;
  kill) on kill -9 "$(cat "$LAB/$1/pid")" ;;
  on) on "$@" ;;
esac
