import { passStories } from './support/whole-pass-story.ts';

const ops = '<mail to="ops@example.org"/>';
const disk = '<alert type="disk" warning="85%" critical="95%"/>';
const fleet = (alerts: string, more = '', clients = 2): string =>
  `<collector every="15m" runDeadline="10m"/><alerts ${more}>${ops}${alerts}</alerts>
   <client name="web-[1-${clients}]" ip="192.0.2.[1-${clients}]" username="u"/>`;

passStories(`
  what flaps is one notice, and twelve quiet rows later its true state is notified
    ${fleet(disk)}
    07:45
    08:00 web-1 disk / 96
    08:15-08:30
    08:45 web-1 disk / 96
    09:00-09:15
    09:30 web-1 disk / 96
    09:45-13:00
    > 08:01 ops: firing critical web-1 disk /
    > 08:31 ops: resolved web-1 disk /
    > 08:46 ops: firing critical web-1 disk /
    > 09:16 ops: flapping critical web-1 disk /
    > 13:01 ops: resolved web-1 disk /

  a changed host key is notified at once, though by one client; keys that are not trusted are one mail
    ${fleet('', '', 3)}
    07:45
    08:00 web-1 fails host-key-changed
    08:15 web-1 fails host-key-changed | web-2 fails host-key-unknown | web-3 fails host-key-unknown
    08:30
    > 08:01 ops: firing critical web-1 host-key-changed
    > 08:16 ops: firing warning web-2 not-trusted, firing warning web-3 not-trusted
    > 08:31 ops: resolved web-1 host-key-changed, resolved web-2 not-trusted, resolved web-3 not-trusted

  a client that is visited and whose reports do not come is notified after three runs, and its next report ends it
    ${fleet('')}
    07:45
    08:00-08:30 web-1 mute
    08:45
    > 08:31 ops: firing critical web-1 no-report
    > 08:46 ops: resolved web-1 no-report

  a client that no run visits any more is notified after three runs since it was missed
    ${fleet('')}
    07:15-07:45
    08:00-08:45 web-1 absent
    09:00
    > 08:46 ops: firing critical web-1 no-report
    > 09:01 ops: resolved web-1 no-report

  a reboot is notified once, and has no recovery and no reminder
    ${fleet('', 'repeat="1h"')}
    07:45
    08:00-08:15 web-1 boot 2
    09:15 web-1 boot 2
    > 08:01 ops: past web-1 rebooted 08:00 to 08:00

  a boot loop is one critical alert, for those too who hear criticals alone, and ends an hour after the last boot
    ${fleet('<mail to="oncall@example.org" severity="critical"/>', 'groupInterval="1m"', 1)}
    07:45
    08:00 web-1 boot 2
    08:15 web-1 boot 3
    08:30 web-1 boot 4
    08:45 web-1 boot 5
    09:00 web-1 boot 6
    09:15-10:15 web-1 boot 6
    > 08:01 ops: past web-1 rebooted 08:00 to 08:00
    > 08:16 ops: past web-1 rebooted 08:15 to 08:15
    > 08:31 ops: past web-1 rebooted 08:30 to 08:30
    > 08:46 oncall: firing critical web-1 reboots
    > 08:46 ops: firing critical web-1 reboots
    > 10:01 oncall: resolved web-1 reboots
    > 10:01 ops: resolved web-1 reboots

  an acknowledgement ends with the alert: the next one is reminded of
    ${fleet(disk, 'repeat="1h"')}
    07:45
    08:00 web-1 disk / 96
    08:05 ack web-1
    09:15 web-1 disk / 96
    09:30-09:45
    10:00 web-1 disk / 96
    11:00 web-1 disk / 96
    > 08:01 ops: firing critical web-1 disk /
    > 09:46 ops: resolved web-1 disk /
    > 10:01 ops: firing critical web-1 disk /
    > 11:01 ops: reminder critical web-1 disk /

  what a run shows waits for its end, and of a run that was killed for its deadline
    ${fleet(disk)}
    07:45
    08:00 killed web-1 disk / 96
    08:05 pass
    08:09 pass
    08:10 pass
    > 08:10 ops: firing critical web-1 disk /

  what began and ended while the mail server was away is notified as past, in one mail with what holds on
    ${fleet(disk)}
    07:45
    07:50 server down
    08:00 web-1 disk / 96
    08:15-08:30 web-2 disk / 97
    08:40 server up
    08:45 web-2 disk / 97
    > 08:46 ops: firing critical web-2 disk /, past web-1 disk / 08:00 to 08:30 (instead of 2)

  a value of which passes see nothing but its way back is notified once it has come back twice
    ${fleet(disk)}
    07:45
    07:50 alerter stops
    08:00 web-1 disk / 96
    08:15
    08:16 pass
    08:30 web-1 disk / 96
    08:45
    08:46 pass
    09:00 web-1 disk / 96
    09:15
    09:16 pass
    > 09:16 ops: firing critical web-1 disk /

  a client whose visits flap and succeed now is notified of by its other alerts, and by reports that do not come
    ${fleet(disk)}
    07:45
    08:00-08:15 web-1 fails connect-refused
    08:30-08:45
    09:00-09:15 web-1 fails connect-refused
    09:30-09:45 web-1 disk / 96
    10:00-10:30 web-1 mute
    > 08:16 ops: firing critical web-1 unreachable
    > 08:46 ops: resolved web-1 unreachable
    > 09:16 ops: firing critical web-1 unreachable
    > 09:31 ops: firing critical web-1 disk /
    > 09:46 ops: flapping critical web-1 unreachable
    > 10:31 ops: firing critical web-1 no-report
`);
