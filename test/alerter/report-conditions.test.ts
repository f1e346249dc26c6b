import { stories } from './support/story.ts';

const names =
  'disk inodes memory service open-files conntrack clock-unsynchronised clock-offset probe-failed mount-unresponsive ' +
  'mount-missing read-only rebooted oom-kill';

stories(`
  a probe that fails in three reports in a row is notified, and has recovered after two in which it does not
    08:00 probe os fails
    08:05 probe os fails
    08:10
    08:15 probe os fails
    08:20 probe os fails
    08:25 probe os fails
    08:30
    08:35
    > 08:00 probe-failed os is pending
    > 08:10 probe-failed os was not confirmed
    > 08:15 probe-failed os is pending
    > 08:25 probe-failed os fires warning
    > 08:35 probe-failed os is over: recovered

  a clock that is more than a minute off in two reports, whichever way
    08:00 clock 59
    08:05 clock 90
    08:10 clock -90
    08:15 clock 1
    08:20 clock 1
    > 08:05 clock-offset is pending
    > 08:10 clock-offset fires warning
    > 08:20 clock-offset is over: recovered

  a mount that hangs in two reports is critical, and costs nothing else its word
    <alert type="disk" warning="85%" critical="95%"/>
    08:00 mount /srv hangs, disk / 96
    08:05 mount /srv hangs, disk / 96
    08:10 mount /srv answers, disk / 50
    08:15 mount /srv answers, disk / 50
    > 08:00 disk / fires critical
    > 08:00 mount-unresponsive /srv is pending
    > 08:05 mount-unresponsive /srv fires critical
    > 08:15 disk / is over: recovered
    > 08:15 mount-unresponsive /srv is over: recovered

  a file system that was writable and is read-only is critical at once, and its full disk goes on
    08:00 disk / 50, disk /data 96
    08:05 disk / 50, disk /data ro 96
    08:10 disk / 50, disk /data ro 96
    08:15 disk / 50, disk /data 96
    08:20 disk / 50, disk /data 96
    > 08:00 disk /data fires critical
    > 08:05 read-only /data fires critical
    > 08:20 read-only /data is over: recovered

  what was read-only from the first row on is as it should be: neither its mode nor its fullness is notified
    08:00 disk / 50, disk /usr ro 99
    08:05 disk / 50, disk /usr ro 99
    08:10 disk / 50, disk /usr ro 99

  a rule that names a read-only file system evaluates it all the same
    <alert type="disk" mount="/usr" limit="90%"/>
    08:00 disk / 50, disk /usr ro 99
    > 08:00 disk mount=/usr /usr fires critical

  a row without disks forgets nothing: what was writable before it and is read-only after it is notified
    08:00 disk /data 50
    08:05 no disks
    08:10 disk /data ro 50
    08:15 mount /data missing
    08:20 disk /data ro 50
    > 08:10 read-only /data fires critical
    > 08:15 mount-missing /data is pending
    > 08:20 mount-missing /data was not confirmed

  a mount of /etc/fstab that is missing in two rows is critical; its full disk is unknown meanwhile, not gone
    08:00 disk /data 96
    08:05 mount /data missing
    08:10 mount /data missing
    08:15 mount /data missing
    08:20 disk /data 96 96
    > 08:00 disk /data fires critical
    > 08:05 mount-missing /data is pending
    > 08:10 mount-missing /data fires critical
    > 08:25 mount-missing /data is over: recovered

  a mount of /etc/fstab that a rule expects is notified of by that rule alone
    <alert type="mount" mount="/data"/>
    08:00 mount /data missing
    08:05 mount /data missing
    08:10 disk /data 50 50
    > 08:00 mount mount=/data /data fires critical
    > 08:15 mount mount=/data /data is over: recovered

  without any rule: a full disk and a failed unit at once, memory with the third row
    08:00 disk / 91, unit a.service failed, memory 98
    08:05 disk / 91, unit a.service failed, memory 98
    08:10 disk / 96, unit a.service failed, memory 98
    > 08:00 memory is pending
    > 08:00 disk / fires warning
    > 08:00 service a.service fires warning
    > 08:10 memory fires critical
    > 08:10 disk / gets worse

  tables of the kernel that are nearly full are warned of with the second row
    08:00 open_files 90, conntrack 97
    08:05 open_files 90, conntrack 97
    08:10 open_files 40, conntrack ?
    08:15 open_files 40, conntrack 50
    08:20 conntrack 50
    > 08:00 open-files is pending
    > 08:00 conntrack is pending
    > 08:05 open-files fires warning
    > 08:05 conntrack fires warning
    > 08:15 open-files is over: recovered
    > 08:20 conntrack is over: recovered

  a clock that is not synchronised is warned of after an hour
    08:00 synchronised 0
    08:10 synchronised 0
    08:20 synchronised 0
    08:30 synchronised 0
    08:40 synchronised 0
    08:50 synchronised 0
    09:00 synchronised 0
    09:05 synchronised 1
    09:10 synchronised 1
    > 08:00 clock-unsynchronised is pending
    > 09:00 clock-unsynchronised fires warning
    > 09:10 clock-unsynchronised is over: recovered

  processes killed for want of memory are an event, once until none is killed for an hour
    08:00 kills ?
    08:05 kills 2
    08:10 kills 1
    08:40 kills 0
    09:05 kills 1
    09:30 kills 0
    10:05 kills 1
    > 08:05 oom-kill: 2 processes killed for want of memory
    > 10:05 oom-kill: 1 process killed for want of memory

  rules that came by themselves and conditions can be removed by name, each of them
    ${names
      .split(' ')
      .map((name) => `<alert name="${name}" enabled="no"/>`)
      .join('')}
    08:00 disk / 99, unit a.service failed, memory 99, clock 90, mount /srv hangs, open_files 99, conntrack 99
    08:05 disk / 99, unit a.service failed, memory 99, clock 90, mount /srv hangs, boot 2, kills 3
    08:10 disk / 99, unit a.service failed, memory 99, clock 90, mount /srv hangs, probe os fails, boot 3
`);
