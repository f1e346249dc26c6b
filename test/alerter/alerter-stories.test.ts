import { passStories } from './support/whole-pass-story.ts';

const quarter = '<collector every="15m"/>';
const ops = '<mail to="ops@example.org"/>';
const disk = '<alert type="disk" warning="85%" critical="95%"/>';
const web1 = '<client name="web-1" ip="192.0.2.1" username="u"/>';
const web2 = '<client name="web-2" ip="192.0.2.2" username="u"/>';
const web3 = '<client name="web-3" ip="192.0.2.3" username="u"/>';
const fleet = (alerts: string, clients = `${web1}${web2}`): string => `${quarter}<alerts>${alerts}</alerts>${clients}`;
const elements = fleet(`${ops}${disk}`);

passStories(
  `
  what began and ended while no alerter ran is notified as past, with what still fires, in one mail
    07:45
    07:50 alerter stops
    08:00-08:15 web-1 disk / 96
    08:30-08:45
    09:00 web-2 disk / 97
    09:05 pass
    > 09:05 ops: firing critical web-2 disk /, past web-1 disk / 08:00 to 08:45

  rows that are a month old are evaluated as rows of today
    08:00 alerter stops
    08:00 web-1 disk / 96
    08:15-08:30
    +30 08:00 pass
    +30 08:05 pass
    > +30 08:00 ops: past web-1 disk / 08:00 to 08:30

  a report that comes late is notified once, as past, when it tells of something else than now
    08:00
    08:15 web-1 late 06:00 disk / 97
    08:30
    > 08:16 ops: past web-1 disk / 06:00 to 06:00

  what began and ended inside a silence is only listed, in a mail that goes out anyway
    07:45
    07:50 silence web-1 until 09:10
    08:00 web-1 disk / 96
    08:15-08:30
    09:15
    09:30 web-2 disk / 96
    > 09:31 ops: firing critical web-2 disk /, past web-1 disk / 08:00 to 08:30 (only listed)

  a window holds back what begins in it, until a row after it
    ${quarter}<alerts>${ops}${disk}<window start="08:00" duration="1h" zone="UTC"/></alerts>${web1}
    07:45
    08:15-08:45 web-1 disk / 96
    09:02 pass
    09:05 web-1 disk / 96
    09:20 web-1 disk / 96
    > 09:06 ops: firing critical web-1 disk /

  an acknowledgement ends when it got worse and eased between two passes
    ${quarter}<alerts repeat="1h">${ops}${disk}</alerts>${web1}
    07:45
    08:00 web-1 disk / 90
    08:05 ack web-1
    08:06 alerter stops
    08:15 web-1 disk / 97
    08:30-09:00 web-1 disk / 90
    09:05 alerter starts
    09:15 web-1 disk / 90
    10:15 web-1 disk / 90
    > 08:01 ops: firing warning web-1 disk /
    > 09:16 ops: reminder warning web-1 disk /
    > 10:16 ops: reminder warning web-1 disk /

  an unreachable client holds back its other alerts until its first new row
    ${quarter}<alerts>${ops}<alert type="disk" warning="85%" critical="95%"/></alerts>${web1}
    07:45
    08:00 web-1 disk / 96
    08:15-08:30 web-1 fails connect-refused
    08:45-09:00
    > 08:01 ops: firing critical web-1 disk /
    > 08:31 ops: firing critical web-1 unreachable
    > 09:01 ops: resolved web-1 disk /, resolved web-1 unreachable

  a collector that fell silent while no alerter ran is notified of days later, once the database is known to answer
    ${fleet(ops, web1)}
    08:00
    +2 08:00-+2 08:30 pass
    > +2 08:30 ops: firing critical - collector-silent collector-1

  one of two collectors that fell silent while no alerter ran is notified of, and ends a week later by a successor
    ${quarter}<alerts repeat="none">${ops}</alerts>${web1}
    07:45
    07:50 by collector-2 on mon-2
    07:55 alerter stops
    +2 08:00
    +2 08:14 alerter starts
    +2 08:15-+2 08:45
    +9 08:00
    +9 08:05 by collector-3 on mon-3
    +9 08:10 by collector-4 on mon-2
    > +2 08:46 ops: firing critical - collector-silent collector-2
    > +9 08:11 ops: ended - collector-silent collector-2

  a collector that somebody said is no more is silent no longer, until it runs again
    ${fleet(ops, web1)}
    08:00
    08:16-08:46 pass
    08:50 forget collector-1
    08:51 pass
    09:46 pass
    10:00
    10:16-10:46 pass
    > 08:46 ops: firing critical - collector-silent collector-1
    > 08:51 ops: ended - collector-silent collector-1
    > 10:46 ops: firing critical - collector-silent collector-1

  a collector that reaches nobody is one alert about itself
    ${fleet(ops, `${web1}${web2}${web3}`)}
    07:45
    08:00-08:15 web-1 fails dns | web-2 fails dns | web-3 fails dns
    08:30
    08:35 pass
    08:45
    09:00 web-1 fails host-key-changed
    > 08:16 ops: firing critical - collector-isolated collector-1
    > 08:31 ops: resolved - collector-isolated collector-1
    > 09:01 ops: firing critical web-1 host-key-changed, past web-1 unreachable 08:15 to 08:45 (only listed), past web-2 unreachable 08:15 to 08:45 (only listed), past web-3 unreachable 08:15 to 08:45 (only listed)

  a bastion that is gone is one line, and its return another
    ${quarter}<alerts>${ops}</alerts><bastion name="gate" ip="192.0.2.9" username="u"/>
    <group name="rack" proxyJump="gate"><client name="r-[1-4]" ip="198.51.100.[1-4]" username="u"/></group>
    <client name="web-[1-6]" ip="192.0.2.[1-6]" username="u"/>
    07:45
    08:00-08:15 r-1 fails connect-refused | r-2 fails connect-refused | r-3 fails connect-refused | r-4 fails connect-refused
    08:30-08:45
    > 08:16 ops: firing critical r-1 unreachable, firing critical r-2 unreachable, firing critical r-3 unreachable, firing critical r-4 unreachable
    > 08:46 ops: resolved r-1 unreachable, resolved r-2 unreachable, resolved r-3 unreachable, resolved r-4 unreachable

  the first pass, and the first of a new rule, tell what is true already in one mail
    more = ${fleet(`${ops}${disk}<alert type="cpu" limit="80%" for="1x"/>`)}
    08:00 web-1 disk / 96, cpu 90 | web-2 disk / 96, cpu 90
    08:35 config more
    08:45 web-1 disk / 96, cpu 90 | web-2 disk / 96, cpu 90
    > 08:01 ops: firing critical web-1 disk /, firing critical web-2 disk / (already true)
    > 08:46 ops: firing critical web-1 cpu, firing critical web-2 cpu (already true)

  a rule or client that leaves config.xml ends its alerts, which is no recovery
    ${fleet(`${ops}${disk}<alert type="cpu" limit="80%" for="1x"/>`)}
    less = ${fleet(`${ops}${disk}`, web1)}
    07:45
    08:00 web-1 cpu 90 | web-2 disk / 96
    08:35 config less
    08:45 web-1 cpu 90 | web-2 disk / 96
    > 08:01 ops: firing critical web-1 cpu, firing critical web-2 disk /
    > 08:46 ops: ended web-1 cpu, ended web-2 disk /

  a mount that is no longer listed is gone, and a failed unit that is no longer listed is well
    07:45
    08:00 web-1 disk /data 96 | web-2 unit nginx.service
    08:15-08:30
    > 08:01 ops: firing critical web-1 disk /data, firing warning web-2 service nginx.service
    > 08:31 ops: resolved web-2 service nginx.service, ended web-1 disk /data

  rows of who is not in config.xml say nothing; those of a former name are evaluated
    renamed = ${fleet(`${ops}${disk}`, `<client name="www" was="web-1" ip="192.0.2.1" username="u"/>${web2}`)}
    07:45
    08:00 web-1 disk / 96 | stranger disk / 99
    08:15 config renamed
    08:20 pass
    08:21 rename web-1 www
    08:30-08:45
    > 08:01 ops: firing critical web-1 disk /
    > 08:46 ops: resolved www disk /

  dead mounts of one export are one line
    ${fleet(ops, `${web1}${web2}${web3}`)}
    07:45 web-1 mount /srv nas:/srv | web-2 mount /srv nas:/srv | web-3 mount /data nas:/srv
    08:00-08:15 web-1 mount /srv nas:/srv hangs | web-2 mount /srv nas:/srv hangs | web-3 mount /data nas:/srv hangs
    > 08:16 ops: firing critical web-1 mount-unresponsive /srv, firing critical web-2 mount-unresponsive /srv, firing critical web-3 mount-unresponsive /data (export nas:/srv)
`,
  { elements },
);
