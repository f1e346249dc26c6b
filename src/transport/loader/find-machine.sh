# Sets m to the name of this machine in the places of agents. Needs an empty m. The name is part of each place, because
# many machines may mount one home.
for f in /etc/machine-id /var/lib/dbus/machine-id /proc/sys/kernel/hostname; do
  [ ${#m} = 0 ] && [ -r $f ] && read -r m <$f
done
[ ${#m} = 0 ] && m=$(uname -n)
case x$m in x | x.* | x-* | x*/*) m=unknown ;; esac
