// Second tier: the time lines of other monitors.
/**
 * The scenarios of Alertmanager's acceptance tests and of Prometheus's tests of alerting rules, as time lines of our
 * own: pending, firing on, resolved, groups, inhibition, silences, repeats, restarts, gaps and flapping.
 */
import { isWide } from '../support/long-tests.ts';
import { passStories } from './support/whole-pass-story.ts';

const ops = '<mail to="ops@example.org"/>';
const disk = '<alert type="disk" warning="85%" critical="95%" clear="80%"/>';
const fleet = (alerts: string, more = '', clients = 2): string =>
  `<collector every="15m" runDeadline="10m"/><alerts ${more}>${ops}${alerts}</alerts>
   <client name="web-[1-${clients}]" ip="192.0.2.[1-${clients}]" username="u"/>`;
const patient = '<alert type="disk" limit="95%" for="30m"/>';

passStories(`
  pending: the time goes on while no alerter runs
    ${fleet(patient)}
    07:45
    08:00 web-1 disk / 96
    08:05 alerter stops
    08:15-08:30 web-1 disk / 96
    08:40 alerter starts
    08:45 web-1 disk / 96
    > 08:46 ops: firing critical web-1 disk /

  pending: a visit that fails in between is no good row
    ${fleet(patient)}
    07:45
    08:00 web-1 disk / 96
    08:15 web-1 fails connect-timeout
    08:30 web-1 disk / 96
    > 08:31 ops: firing critical web-1 disk /

  resolved: once, whatever passes and restarts follow
    ${fleet(disk)}
    07:45
    08:00 web-1 disk / 96
    08:15-08:30
    08:35-08:50 pass
    08:55 alerter stops
    09:00-09:15
    09:20 alerter starts
    09:30-10:00
    > 08:01 ops: firing critical web-1 disk /
    > 08:31 ops: resolved web-1 disk /

  groups: warnings wait for each other, a critical takes them with it, and each is told once
    ${fleet(disk, 'groupInterval="1h"', 4)}
    07:45
    08:00 web-1 disk / 90
    08:15 web-1 disk / 90 | web-2 disk / 90
    08:30 web-1 disk / 90 | web-2 disk / 90 | web-3 disk / 96
    08:45 web-1 disk / 90 | web-2 disk / 90 | web-3 disk / 96 | web-4 disk / 90
    09:00-09:45 web-1 disk / 90 | web-2 disk / 90 | web-3 disk / 96 | web-4 disk / 90
    > 08:01 ops: firing warning web-1 disk /
    > 08:31 ops: firing critical web-3 disk /, firing warning web-2 disk /
    > 09:01 ops: firing warning web-4 disk /

  inhibition: what ends behind an unreachable client is told with its return, what began there with its first row
    ${fleet(disk, 'groupInterval="1m"', 1)}
    07:45
    08:00 web-1 disk / 96
    08:15-08:30 web-1 fails connect-refused
    08:45-09:00 web-1 disk /srv 96
    09:15 web-1 disk /srv 96
    > 08:01 ops: firing critical web-1 disk /
    > 08:31 ops: firing critical web-1 unreachable
    > 08:46 ops: firing critical web-1 disk /srv
    > 09:01 ops: resolved web-1 disk /, resolved web-1 unreachable

  silence: what was told before it is not told again after it, and its end is told
    ${fleet(disk, 'repeat="1h" groupInterval="1m"', 1)}
    07:45
    08:00 web-1 disk / 96
    08:10 silence web-* until 09:50
    08:15-10:00 web-1 disk / 96
    10:15-10:30
    > 08:01 ops: firing critical web-1 disk /
    > 10:01 ops: reminder critical web-1 disk /
    > 10:31 ops: resolved web-1 disk /

  silence: a worsening inside it is told after it
    ${fleet(disk, 'groupInterval="1m"', 1)}
    07:45
    08:00 web-1 disk / 90
    08:10 silence web-* until 08:50
    08:15-09:00 web-1 disk / 96
    > 08:01 ops: firing warning web-1 disk /
    > 09:01 ops: escalated critical web-1 disk /

  repeat: by its interval, counted from the last mail about the alert, and never after its end
    ${fleet(disk, 'repeat="1h" groupInterval="1m"', 1)}
    07:45
    08:00-08:15 web-1 disk / 90
    08:30-10:45 web-1 disk / 96
    11:00-13:00
    > 08:01 ops: firing warning web-1 disk /
    > 08:31 ops: escalated critical web-1 disk /
    > 09:31 ops: reminder critical web-1 disk /
    > 10:31 ops: reminder critical web-1 disk /
    > 11:16 ops: resolved web-1 disk /

  gaps: what fires goes on while nothing is known, and its end is told when a row shows it
    ${fleet(disk, 'groupInterval="1m"', 2)}
    07:45
    08:00 web-1 disk / 96
    11:00 web-1 disk / 96
    11:15-11:30
    > 08:01 ops: firing critical web-1 disk /
    > 11:31 ops: resolved web-1 disk /

  hours: an alert that was acknowledged before they begin is told once it is over, and not before
    ${fleet(`<mail to="night@example.org" hours="20:00-08:00"/>${disk}`, 'zone="UTC" groupInterval="1m"', 1)}
    17:45
    18:00-18:15 web-1 disk / 96
    18:20 ack web-1
    18:30-21:00 web-1 disk / 96
    21:15-21:30
    > 18:01 ops: firing critical web-1 disk /
    > 21:31 night: past web-1 disk / 18:00 to 21:30
    > 21:31 ops: resolved web-1 disk /

  flapping: what flaps during a silence and has recovered is past once it is steady
    ${fleet(disk, 'groupInterval="1m"', 1)}
    07:45
    07:50 silence web-* until 12:00
    08:00 web-1 disk / 96
    08:15-08:30
    08:45 web-1 disk / 96
    09:00-09:15
    09:30 web-1 disk / 96
    09:45-10:00
    10:15 web-1 disk / 96
    10:30-14:00
    > 13:46 ops: past web-1 disk / 08:45 to 13:45, past web-1 disk / 08:00 to 08:30 (only listed)

  flapping: a short repeat does not remind of each way up
    ${fleet(disk, 'repeat="30m" groupInterval="1m"', 1)}
    07:45
    08:00 web-1 disk / 96
    08:15-08:30
    08:45 web-1 disk / 96
    09:00-09:15
    09:30 web-1 disk / 96
    09:45-10:00
    10:15 web-1 disk / 96
    10:30-10:45
    11:00 web-1 disk / 96
    > 08:01 ops: firing critical web-1 disk /
    > 08:31 ops: resolved web-1 disk /
    > 08:46 ops: firing critical web-1 disk /
    > 09:16 ops: flapping critical web-1 disk /

  windows: every night across midnight, in the zone of the window, also after its clock has changed
    ${fleet(`<window start="23:30" duration="1h" zone="Europe/Berlin"/>${disk}`, 'groupInterval="1m"', 1)}
    +126 22:15
    +126 22:30-+126 23:15 web-1 disk / 96
    +126 23:30-+127 00:00
    +130 21:15
    +130 21:30-+130 22:15 web-1 disk / 96
    +130 22:30-+130 22:45
    +131 22:30 web-1 disk / 96
    > +131 22:31 ops: firing critical web-1 disk /
`);

/** Scenarios that tests of single rooms have too. */
const alsoInRooms = `
  pending: what is bad for less than its time is never notified, and a good row begins the time anew
    ${fleet(patient)}
    07:45
    08:00-08:15 web-1 disk / 96
    08:30
    08:45-09:15 web-1 disk / 96
    > 09:16 ops: firing critical web-1 disk /

  firing on: one good row, and values between clear and limit, end nothing
    ${fleet(disk)}
    07:45
    08:00 web-1 disk / 96
    08:15 web-1 disk / 50
    08:30 web-1 disk / 96
    08:45-09:30 web-1 disk / 82
    09:45-10:00 web-1 disk / 79
    > 08:01 ops: firing critical web-1 disk /
    > 09:01 ops: eased warning web-1 disk /
    > 10:01 ops: resolved web-1 disk /

  resolved: what fires again after its end is new
    ${fleet(disk, 'groupInterval="1h"')}
    07:45
    08:00 web-1 disk / 96
    08:15-08:30
    08:45-09:45 web-1 disk / 96
    > 08:01 ops: firing critical web-1 disk /
    > 08:31 ops: resolved web-1 disk /
    > 08:46 ops: firing critical web-1 disk /

  groups: an alert that joins a group later is the only news of its mail
    ${fleet(disk, 'groupInterval="1m"', 6)}
    07:45
    08:00 web-1 disk / 96 | web-2 disk / 96 | web-3 disk / 96 | web-4 disk / 96 | web-5 disk / 96
    08:15 web-1 disk / 96 | web-2 disk / 96 | web-3 disk / 96 | web-4 disk / 96 | web-5 disk / 96 | web-6 disk / 96
    08:30-08:45 web-6 disk / 96
    09:00-09:15
    > 08:01 ops: firing critical web-1 disk /, firing critical web-2 disk /, firing critical web-3 disk /, firing critical web-4 disk /, firing critical web-5 disk /
    > 08:16 ops: firing critical web-6 disk /
    > 08:46 ops: resolved web-1 disk /, resolved web-2 disk /, resolved web-3 disk /, resolved web-4 disk /, resolved web-5 disk /
    > 09:16 ops: resolved web-6 disk /

  inhibition: the milder of two alerts is told when the worse one is over, and not again with it
    ${fleet('<alert type="disk" name="warn" limit="80%" severity="warning"/><alert type="disk" name="crit" limit="95%"/>', 'groupInterval="1m"', 1)}
    07:45
    08:00 web-1 disk / 96
    08:15-08:30 web-1 disk / 90
    08:45-09:00
    > 08:01 ops: firing critical web-1 crit /
    > 08:31 ops: firing warning web-1 warn /, resolved web-1 crit /
    > 09:01 ops: resolved web-1 warn /

  silence: what ends inside it is told after it
    ${fleet(disk, 'groupInterval="1m"', 1)}
    07:45
    08:00 web-1 disk / 96
    08:10 silence web-* until 09:20
    08:15-09:30
    > 08:01 ops: firing critical web-1 disk /
    > 09:31 ops: resolved web-1 disk /

  silence: what still fires at its end is told with the next row
    ${fleet(disk, 'groupInterval="1m"', 1)}
    07:45
    07:50 silence web-* until 08:50
    08:00-09:15 web-1 disk / 96
    > 09:01 ops: firing critical web-1 disk /

  repeat: a restart neither repeats nor forgets a reminder
    ${fleet(disk, 'repeat="1h" groupInterval="1m"', 1)}
    07:45
    08:00-08:30 web-1 disk / 96
    08:35 alerter stops
    08:45-10:30 web-1 disk / 96
    10:35 alerter starts
    10:45-11:15 web-1 disk / 96
    > 08:01 ops: firing critical web-1 disk /
    > 10:46 ops: reminder critical web-1 disk /

  flapping: what comes and goes within its time is never told
    ${fleet('<alert type="disk" limit="95%" for="2h"/>', 'groupInterval="1m"', 1)}
    07:45
    08:00-08:15 web-1 disk / 96
    08:30
    08:45-09:00 web-1 disk / 96
    09:15
    09:30-09:45 web-1 disk / 96
    10:00
    10:15-10:30 web-1 disk / 96
    10:45-11:00

  recipients: who hears criticals alone is told when the alert gets worse and when it is over
    ${fleet(`<mail to="oncall@example.org" severity="critical"/>${disk}`, 'groupInterval="1m"', 1)}
    07:45
    08:00 web-1 disk / 90
    08:15 web-1 disk / 96
    08:30-08:45 web-1 disk / 90
    09:00-09:15
    > 08:01 ops: firing warning web-1 disk /
    > 08:16 oncall: firing critical web-1 disk /
    > 08:16 ops: escalated critical web-1 disk /
    > 09:16 oncall: resolved web-1 disk /
    > 09:16 ops: resolved web-1 disk /
`;

if (isWide) passStories(alsoInRooms);
