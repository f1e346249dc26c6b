// Second tier: days of a group, on each database.
/** Groups that need some of their members, as time lines with the mails that people get. */
import { isWide } from '../support/long-tests.ts';
import { passStories } from './support/whole-pass-story.ts';

const ops = '<mail to="ops@example.org"/>';
const oncall = '<mail to="oncall@example.org" severity="critical"/>';
const both = `${ops}${oncall}`;

interface Fleet {
  readonly alerts?: string;
  /** Attributes of <alerts>. */
  readonly settings?: string;
  readonly group?: string;
  /** Children of the group beside its clients. */
  readonly inside?: string;
  /** Clients beside the group. */
  readonly more?: string;
  readonly every?: string;
}

function fleet({
  alerts = both,
  settings = '',
  group = 'need="6"',
  inside = '',
  more = '',
  every = '5m',
}: Fleet): string {
  const members = '<client name="web-[1-8]" ip="192.0.2.[1-8]" username="u"/>';
  return (
    `<collector every="${every}" runDeadline="4m"/><alerts groupInterval="5m" ${settings}>${alerts}</alerts>` +
    `<group name="web" ${group}>${inside}${members}</group>${more}`
  );
}

const others = '<client name="db-[1-6]" ip="192.0.2.1[1-6]" username="u"/>';
const hypervisor = '<client name="hv-1" ip="192.0.2.99" username="u"/>';
const fail = (code: string, ...numbers: readonly number[]): string =>
  numbers.map((number) => `web-${number} fails ${code}`).join(' | ');
const away = (...numbers: readonly number[]): string => fail('dns', ...numbers);
const cut = (...numbers: readonly number[]): string => fail('connect-timeout', ...numbers);
const all = [1, 2, 3, 4, 5, 6, 7, 8];

/** Machines of which two are enough, and guests of one of them beside the group. */
const guests =
  `<collector every="5m" runDeadline="4m"/><alerts groupInterval="5m">${ops}</alerts>` +
  '<group name="hv" need="2"><client name="hv-[1-3]" ip="192.0.2.[1-3]" username="u"/></group>' +
  '<group on="hv-1"><client name="vm-[1-3]" ip="192.0.2.[11-13]" username="u"/></group>' +
  '<client name="db-[1-6]" ip="192.0.2.[21-26]" username="u"/>';
const lostGuests = [1, 2, 3].map((number) => `vm-${number} fails connect-timeout`).join(' | ');

passStories(`
  three within twenty minutes are one page
    ${fleet({})}
    07:55
    08:00-08:05 ${away(1)}
    08:10-08:15 ${away(1, 2)}
    08:20-08:40 ${away(1, 2, 3)}
    08:45-09:20 ${away(1)}
    09:25-09:40
    > 08:06 ops: firing warning web-1 unreachable
    > 08:16 ops: firing warning web-2 unreachable
    > 08:26 oncall: firing critical - group-short web, firing critical web-1 unreachable below web, firing critical web-2 unreachable below web, firing critical web-3 unreachable below web
    > 08:26 ops: firing critical - group-short web, escalated critical web-1 unreachable below web, escalated critical web-2 unreachable below web, firing critical web-3 unreachable below web
    > 08:56 oncall: eased warning web-1 unreachable below web, resolved - group-short web, resolved web-2 unreachable below web, resolved web-3 unreachable below web
    > 08:56 ops: eased warning web-1 unreachable below web, resolved - group-short web, resolved web-2 unreachable below web, resolved web-3 unreachable below web
    > 09:31 oncall: resolved web-1 unreachable
    > 09:31 ops: resolved web-1 unreachable

  the collector is isolated: nothing is said of the group
    ${fleet({})}
    07:55
    08:00-08:30 ${cut(...all)}
    08:35-09:00
    > 08:06 oncall: firing critical - collector-isolated collector-1
    > 08:06 ops: firing critical - collector-isolated collector-1
    > 08:36 oncall: resolved - collector-isolated collector-1
    > 08:36 ops: resolved - collector-isolated collector-1

  a parent that was told as a warning stands for no guest outside of its group
    ${guests}
    07:55
    08:00-08:20 hv-1 fails connect-timeout
    08:25-08:45 hv-1 fails connect-timeout | ${lostGuests}
    > 08:06 ops: firing warning hv-1 unreachable
    > 08:31 ops: firing critical vm-1 unreachable, firing critical vm-2 unreachable, firing critical vm-3 unreachable

  a parent that was told as a warning, to whom critical alerts ring at any hour and warnings at work
    ${guests.replace(ops, `${ops.replace('/>', ' severity="critical"/>')}${ops.replace('/>', ' hours="08:00-10:00"/>')}`)}
    09:25
    09:30-09:55 hv-1 fails connect-timeout
    10:00-10:20 hv-1 fails connect-timeout | ${lostGuests}
    > 09:36 ops: firing warning hv-1 unreachable
    > 10:06 ops: firing critical vm-1 unreachable, firing critical vm-2 unreachable, firing critical vm-3 unreachable

  need is raised while two are away
    ${fleet({})}
    more = ${fleet({ group: 'need="7"' })}
    07:55
    08:00-08:10 ${away(1, 2)}
    08:12 config more
    08:13 pass
    08:15 ${away(1, 2)}
    > 08:06 ops: firing warning web-1 unreachable, firing warning web-2 unreachable
    > 08:13 oncall: firing critical - group-short web, firing critical web-1 unreachable below web, firing critical web-2 unreachable below web
    > 08:13 ops: firing critical - group-short web, escalated critical web-1 unreachable below web, escalated critical web-2 unreachable below web
`);

const further = `
  five are away in a night without an alerter: told in the morning, as over
    ${fleet({ more: others })}
    01:55
    01:56 alerter stops
    02:00-03:00 ${away(1, 2, 3, 4, 5)}
    03:05-08:00
    08:01 alerter starts
    08:01 pass
    08:05
    > 08:01 oncall: past - group-short web 02:05 to 03:15, past web-1 unreachable 02:05 to 03:10 below web, past web-2 unreachable 02:05 to 03:10 below web, past web-3 unreachable 02:05 to 03:10 below web, past web-4 unreachable 02:05 to 03:10 below web, past web-5 unreachable 02:05 to 03:10 below web
    > 08:01 ops: past - group-short web 02:05 to 03:15, past web-1 unreachable 02:05 to 03:10 below web, past web-2 unreachable 02:05 to 03:10 below web, past web-3 unreachable 02:05 to 03:10 below web, past web-4 unreachable 02:05 to 03:10 below web, past web-5 unreachable 02:05 to 03:10 below web

  whoever hears of one member alone gets its alert, uneased, when the group lacks members
    ${fleet({ inside: '<mail to="web3@example.org" severity="critical" clients="web-3"/>' })}
    07:55
    08:00-08:10 ${away(3)}
    08:15-08:30 ${away(1, 2, 3)}
    > 08:06 ops: firing warning web-3 unreachable
    > 08:21 oncall: firing critical - group-short web, firing critical web-1 unreachable below web, firing critical web-2 unreachable below web, firing critical web-3 unreachable below web
    > 08:21 ops: firing critical - group-short web, firing critical web-1 unreachable below web, firing critical web-2 unreachable below web, escalated critical web-3 unreachable below web
    > 08:21 web3: firing critical web-3 unreachable

  the management of a hypervisor is away, and its guests are lost later
    ${fleet({ group: 'need="6" on="hv-1"', more: `${hypervisor}${others}` })}
    07:55
    08:00-11:55 hv-1 fails connect-timeout
    12:00-12:20 hv-1 fails connect-timeout | ${cut(1, 2, 3, 4)}
    12:25-13:00
    > 08:06 oncall: firing critical hv-1 unreachable
    > 08:06 ops: firing critical hv-1 unreachable
    > 12:06 oncall: firing critical - group-short web, firing critical web-1 unreachable below web, firing critical web-2 unreachable below web, firing critical web-3 unreachable below web, firing critical web-4 unreachable below web
    > 12:06 ops: firing critical - group-short web, firing critical web-1 unreachable below web, firing critical web-2 unreachable below web, firing critical web-3 unreachable below web, firing critical web-4 unreachable below web
    > 12:31 oncall: resolved hv-1 unreachable
    > 12:31 ops: resolved hv-1 unreachable
    > 12:36 oncall: resolved - group-short web, resolved web-1 unreachable below web, resolved web-2 unreachable below web, resolved web-3 unreachable below web, resolved web-4 unreachable below web
    > 12:36 ops: resolved - group-short web, resolved web-1 unreachable below web, resolved web-2 unreachable below web, resolved web-3 unreachable below web, resolved web-4 unreachable below web

  an acknowledged group is told again when none serves any more
    ${fleet({ more: others, settings: 'repeat="30m"' })}
    07:55
    08:00-08:05 ${away(1, 2, 3)}
    08:07 ack
    08:10-08:50 ${away(1, 2, 3)}
    08:55-09:10 ${away(...all)}
    09:15-09:40
    > 08:06 oncall: firing critical - group-short web, firing critical web-1 unreachable below web, firing critical web-2 unreachable below web, firing critical web-3 unreachable below web
    > 08:06 ops: firing critical - group-short web, firing critical web-1 unreachable below web, firing critical web-2 unreachable below web, firing critical web-3 unreachable below web
    > 09:01 oncall: firing critical - group-short web, firing critical web-4 unreachable below web, firing critical web-5 unreachable below web, firing critical web-6 unreachable below web, firing critical web-7 unreachable below web, firing critical web-8 unreachable below web
    > 09:01 ops: firing critical - group-short web, firing critical web-4 unreachable below web, firing critical web-5 unreachable below web, firing critical web-6 unreachable below web, firing critical web-7 unreachable below web, firing critical web-8 unreachable below web
    > 09:26 oncall: resolved - group-short web, resolved web-1 unreachable below web, resolved web-2 unreachable below web, resolved web-3 unreachable below web, resolved web-4 unreachable below web, resolved web-5 unreachable below web, resolved web-6 unreachable below web, resolved web-7 unreachable below web, resolved web-8 unreachable below web
    > 09:26 ops: resolved - group-short web, resolved web-1 unreachable below web, resolved web-2 unreachable below web, resolved web-3 unreachable below web, resolved web-4 unreachable below web, resolved web-5 unreachable below web, resolved web-6 unreachable below web, resolved web-7 unreachable below web, resolved web-8 unreachable below web

  whoever is rung after 15 minutes is rung once, 15 minutes after the group lacked members
    ${fleet({ alerts: `${ops}<mail to="phone@example.org" severity="critical" after="15m"/>` })}
    07:55
    08:00-08:55 ${away(1)}
    09:00-11:50 ${away(1, 2)}
    11:55-12:20 ${away(1, 2, 3)}
    > 08:06 ops: firing warning web-1 unreachable
    > 09:06 ops: firing warning web-2 unreachable
    > 12:01 ops: firing critical - group-short web, escalated critical web-1 unreachable below web, escalated critical web-2 unreachable below web, firing critical web-3 unreachable below web
    > 12:16 phone: firing critical - group-short web, firing critical web-1 unreachable below web, firing critical web-2 unreachable below web, firing critical web-3 unreachable below web

  what was told as a warning stays one while it is unclear who serves
    ${fleet({ alerts: `${both}<alert name="no-report" for="20x"/>` })}
    07:55
    08:00-08:10 web-1 fails dns
    08:15-08:55 web-1 fails dns | ${[2, 3, 4, 5, 6, 7, 8].map((number) => `web-${number} mute`).join(' | ')}
    09:00-09:10 web-1 fails dns
    > 08:06 ops: firing warning web-1 unreachable

  one of eight is away for a day: a warning, with its reminder, and nobody is woken
    ${fleet({ settings: 'repeat="12h"', every: '15m' })}
    07:45
    08:00-22:00 ${away(1)}
    22:15-23:00
    > 08:16 ops: firing warning web-1 unreachable
    > 20:16 ops: reminder warning web-1 unreachable
    > 22:31 ops: resolved web-1 unreachable

  a share is rounded up
    ${fleet({ group: 'need="70%"' })}
    07:55
    08:00-08:10 ${away(1, 2)}
    08:15-08:25 ${away(1, 2, 3)}
    > 08:06 ops: firing warning web-1 unreachable, firing warning web-2 unreachable
    > 08:21 oncall: firing critical - group-short web, firing critical web-1 unreachable below web, firing critical web-2 unreachable below web, firing critical web-3 unreachable below web
    > 08:21 ops: firing critical - group-short web, escalated critical web-1 unreachable below web, escalated critical web-2 unreachable below web, firing critical web-3 unreachable below web

  a rolling upgrade by silences, with one real failure in it
    ${fleet({})}
    07:55
    07:56 silence web-1 until 08:30
    08:00-08:10 ${away(1)}
    08:15-08:25 ${away(1, 4)}
    08:26 silence web-2 until 09:00
    08:30-08:55 ${away(2, 4)}
    08:56 silence web-3 until 09:30
    09:00-09:25 ${away(3, 4)}
    09:30-09:45 ${away(4)}
    > 08:21 ops: firing warning web-4 unreachable

  a rolling upgrade with one failure too many
    ${fleet({})}
    07:55
    07:56 silence web-[12] until 08:40
    08:00-08:10 ${away(1, 2)}
    08:15-08:25 ${away(1, 2, 4)}
    08:30-09:00 ${away(4)}
    > 08:21 oncall: firing critical - group-short web, firing critical web-4 unreachable below web
    > 08:21 ops: firing critical - group-short web, firing critical web-4 unreachable below web
    > 08:41 oncall: eased warning web-4 unreachable below web, resolved - group-short web, past web-1 unreachable 08:05 to 08:35 (only listed), past web-2 unreachable 08:05 to 08:35 (only listed)
    > 08:41 ops: eased warning web-4 unreachable below web, resolved - group-short web, past web-1 unreachable 08:05 to 08:35 (only listed), past web-2 unreachable 08:05 to 08:35 (only listed)

  a hypervisor with four of eight
    ${fleet({ more: `${hypervisor}${others}` }).replace(
      '<client name="web-[1-8]" ip="192.0.2.[1-8]" username="u"/>',
      '<group on="hv-1"><client name="web-[1-4]" ip="192.0.2.[1-4]" username="u"/></group>' +
        '<client name="web-[5-8]" ip="192.0.2.[5-8]" username="u"/>',
    )}
    07:55
    08:00-08:20 hv-1 fails connect-timeout | ${cut(1, 2, 3, 4)}
    08:25-09:00
    > 08:06 oncall: firing critical - group-short web, firing critical hv-1 unreachable, firing critical web-1 unreachable below web, firing critical web-2 unreachable below web, firing critical web-3 unreachable below web, firing critical web-4 unreachable below web
    > 08:06 ops: firing critical - group-short web, firing critical hv-1 unreachable, firing critical web-1 unreachable below web, firing critical web-2 unreachable below web, firing critical web-3 unreachable below web, firing critical web-4 unreachable below web
    > 08:31 oncall: resolved hv-1 unreachable
    > 08:31 ops: resolved hv-1 unreachable
    > 08:36 oncall: resolved - group-short web, resolved web-1 unreachable below web, resolved web-2 unreachable below web, resolved web-3 unreachable below web, resolved web-4 unreachable below web
    > 08:36 ops: resolved - group-short web, resolved web-1 unreachable below web, resolved web-2 unreachable below web, resolved web-3 unreachable below web, resolved web-4 unreachable below web

  a third member comes and goes every 25 minutes
    ${fleet({})}
    07:55
    08:00-08:20 ${away(1, 2)}
    08:25-08:45 ${away(1, 2, 3)}
    08:50-09:10 ${away(1, 2)}
    09:15-09:35 ${away(1, 2, 3)}
    09:40-10:00 ${away(1, 2)}
    10:05-10:30
    > 08:06 ops: firing warning web-1 unreachable, firing warning web-2 unreachable
    > 08:31 oncall: firing critical - group-short web, firing critical web-1 unreachable below web, firing critical web-2 unreachable below web, firing critical web-3 unreachable below web
    > 08:31 ops: firing critical - group-short web, escalated critical web-1 unreachable below web, escalated critical web-2 unreachable below web, firing critical web-3 unreachable below web
    > 09:01 oncall: eased warning web-1 unreachable below web, eased warning web-2 unreachable below web, resolved - group-short web, resolved web-3 unreachable below web
    > 09:01 ops: eased warning web-1 unreachable below web, eased warning web-2 unreachable below web, resolved - group-short web, resolved web-3 unreachable below web
    > 09:21 oncall: firing critical - group-short web, escalated critical web-1 unreachable below web, escalated critical web-2 unreachable below web, firing critical web-3 unreachable below web
    > 09:21 ops: firing critical - group-short web, escalated critical web-1 unreachable below web, escalated critical web-2 unreachable below web, firing critical web-3 unreachable below web
    > 09:51 oncall: eased warning web-1 unreachable below web, eased warning web-2 unreachable below web, resolved - group-short web, resolved web-3 unreachable below web
    > 09:51 ops: eased warning web-1 unreachable below web, eased warning web-2 unreachable below web, resolved - group-short web, resolved web-3 unreachable below web
    > 10:11 oncall: resolved web-1 unreachable, resolved web-2 unreachable
    > 10:11 ops: resolved web-1 unreachable, resolved web-2 unreachable

  all are away, and all are back at once
    ${fleet({ more: others })}
    07:55
    08:00-08:20 ${away(...all)}
    08:25-08:50
    > 08:06 oncall: firing critical - group-short web, firing critical web-1 unreachable below web, firing critical web-2 unreachable below web, firing critical web-3 unreachable below web, firing critical web-4 unreachable below web, firing critical web-5 unreachable below web, firing critical web-6 unreachable below web, firing critical web-7 unreachable below web, firing critical web-8 unreachable below web
    > 08:06 ops: firing critical - group-short web, firing critical web-1 unreachable below web, firing critical web-2 unreachable below web, firing critical web-3 unreachable below web, firing critical web-4 unreachable below web, firing critical web-5 unreachable below web, firing critical web-6 unreachable below web, firing critical web-7 unreachable below web, firing critical web-8 unreachable below web
    > 08:36 oncall: resolved - group-short web, resolved web-1 unreachable below web, resolved web-2 unreachable below web, resolved web-3 unreachable below web, resolved web-4 unreachable below web, resolved web-5 unreachable below web, resolved web-6 unreachable below web, resolved web-7 unreachable below web, resolved web-8 unreachable below web
    > 08:36 ops: resolved - group-short web, resolved web-1 unreachable below web, resolved web-2 unreachable below web, resolved web-3 unreachable below web, resolved web-4 unreachable below web, resolved web-5 unreachable below web, resolved web-6 unreachable below web, resolved web-7 unreachable below web, resolved web-8 unreachable below web

  nobody is rung of a group that somebody has acknowledged
    ${fleet({ alerts: `${ops}<mail to="phone@example.org" severity="critical" after="15m"/>` })}
    07:55
    08:00-08:05 ${away(1, 2, 3)}
    08:08 ack
    08:10-08:40 ${away(1, 2, 3)}
    > 08:06 ops: firing critical - group-short web, firing critical web-1 unreachable below web, firing critical web-2 unreachable below web, firing critical web-3 unreachable below web

  whoever asks for the rule of its members hears of the group
    ${fleet({ alerts: '<mail to="ops@example.org" severity="critical" rules="unreachable"/>' })}
    07:55
    08:00-08:15 ${away(1)}
    08:20-08:40 ${away(1, 2, 3)}
    08:45-09:10
    > 08:26 ops: firing critical - group-short web, firing critical web-1 unreachable below web, firing critical web-2 unreachable below web, firing critical web-3 unreachable below web
    > 08:56 ops: resolved - group-short web, resolved web-1 unreachable below web, resolved web-2 unreachable below web, resolved web-3 unreachable below web

  a silence of the group's alert alone leaves its members' alerts to themselves
    ${fleet({ inside: '<alert name="group-short" severity="warning"/>', alerts: oncall })}
    07:55
    08:00-08:10 ${away(1, 2)}
    08:15-08:30 ${away(1, 2, 3)}
    > 08:21 oncall: firing critical web-1 unreachable, firing critical web-2 unreachable, firing critical web-3 unreachable

  a group without group-short eases nothing
    ${fleet({ inside: '<alert name="group-short" enabled="no"/>' })}
    07:55
    08:00-08:20 ${away(1)}
    > 08:06 oncall: firing critical web-1 unreachable
    > 08:06 ops: firing critical web-1 unreachable

  reports that nobody opens: it is unclear who serves, so an alert is told as it is
    ${fleet({ alerts: `${both}<alert name="no-report" for="20x"/>` })}
    07:55
    08:00-08:25 ${[2, 3, 4, 5, 6, 7, 8].map((number) => `web-${number} mute`).join(' | ')}
    08:30-08:45 web-1 fails dns | ${[2, 3, 4, 5, 6, 7, 8].map((number) => `web-${number} mute`).join(' | ')}
    08:50-08:55 web-1 fails dns
    > 08:36 oncall: firing critical web-1 unreachable
    > 08:36 ops: firing critical web-1 unreachable
    > 08:51 oncall: eased warning web-1 unreachable
    > 08:51 ops: eased warning web-1 unreachable

  only the named rules are eased
    ${fleet({ alerts: `${both}<alert type="disk" warning="85%" critical="95%"/>` })}
    07:55
    08:00-08:10 web-1 disk / 97
    08:15-08:25
    > 08:01 oncall: firing critical web-1 disk /
    > 08:01 ops: firing critical web-1 disk /
    > 08:21 oncall: resolved web-1 disk /
    > 08:21 ops: resolved web-1 disk /

  need is removed while the group lacks members
    ${fleet({})}
    none = ${fleet({ group: '' })}
    07:55
    08:00-08:10 ${away(1, 2, 3)}
    08:12 config none
    08:13 pass
    08:18 pass
    > 08:06 oncall: firing critical - group-short web, firing critical web-1 unreachable below web, firing critical web-2 unreachable below web, firing critical web-3 unreachable below web
    > 08:06 ops: firing critical - group-short web, firing critical web-1 unreachable below web, firing critical web-2 unreachable below web, firing critical web-3 unreachable below web
    > 08:13 oncall: ended - group-short web
    > 08:13 ops: ended - group-short web

  a member is paused while the group lacks members
    ${fleet({})}
    paused = ${fleet({}).replace(
      '<client name="web-[1-8]" ip="192.0.2.[1-8]" username="u"/>',
      '<client name="web-[1-2]" ip="192.0.2.[1-2]" username="u" state="paused"/>' +
        '<client name="web-[3-8]" ip="192.0.2.[3-8]" username="u"/>',
    )}
    07:55
    08:00-08:10 ${away(1, 2, 3)}
    08:12 config paused
    08:13 pass
    08:15-08:25 ${away(1, 2, 3)}
    > 08:06 oncall: firing critical - group-short web, firing critical web-1 unreachable below web, firing critical web-2 unreachable below web, firing critical web-3 unreachable below web
    > 08:06 ops: firing critical - group-short web, firing critical web-1 unreachable below web, firing critical web-2 unreachable below web, firing critical web-3 unreachable below web
    > 08:13 oncall: ended - group-short web
    > 08:13 ops: ended - group-short web

  a group that lacked members in a night without an alerter, and a member that is away now
    ${fleet({})}
    01:55
    01:56 alerter stops
    02:00-02:30 ${away(1, 2, 3)}
    02:35-02:55
    03:00-03:10 ${away(8)}
    03:11 alerter starts
    03:11 pass
    > 03:11 oncall: past - group-short web 02:05 to 02:45, past web-1 unreachable 02:05 to 02:40 below web, past web-2 unreachable 02:05 to 02:40 below web, past web-3 unreachable 02:05 to 02:40 below web
    > 03:11 ops: firing warning web-8 unreachable, past - group-short web 02:05 to 02:45, past web-1 unreachable 02:05 to 02:40 below web, past web-2 unreachable 02:05 to 02:40 below web, past web-3 unreachable 02:05 to 02:40 below web

  what was told as a warning ends as one, although it was unclear for a while who serves
    ${fleet({ alerts: `${both}<alert name="no-report" for="20x"/>` })}
    07:55
    08:00-08:15 ${away(1)}
    08:20-08:45 ${away(1)} | ${[2, 3, 4, 5].map((number) => `web-${number} mute`).join(' | ')}
    08:50-09:00
    > 08:06 ops: firing warning web-1 unreachable
    > 08:56 ops: resolved web-1 unreachable

  group-short becomes a warning in config.xml while it fires
    ${fleet({})}
    milder = ${fleet({ inside: '<alert name="group-short" severity="warning"/>' })}
    07:55
    08:00-08:10 ${away(1, 2, 3)}
    08:12 config milder
    08:13 pass
    08:15 ${away(1, 2, 3)}
    > 08:06 oncall: firing critical - group-short web, firing critical web-1 unreachable below web, firing critical web-2 unreachable below web, firing critical web-3 unreachable below web
    > 08:06 ops: firing critical - group-short web, firing critical web-1 unreachable below web, firing critical web-2 unreachable below web, firing critical web-3 unreachable below web
    > 08:13 oncall: eased warning - group-short web
    > 08:13 ops: eased warning - group-short web

  a need that is raised says nothing of the time before
    ${fleet({})}
    more = ${fleet({ group: 'need="7"' })}
    07:55
    07:56 silence web-[12] until 08:50
    08:00-08:25 ${away(1, 2)}
    08:30-08:55
    09:00 config more
    09:00-09:10

  whoever is rung after 15 minutes is rung 15 minutes after need was raised
    ${fleet({ alerts: `${ops}<mail to="phone@example.org" severity="critical" after="15m"/>` })}
    more = ${fleet({ alerts: `${ops}<mail to="phone@example.org" severity="critical" after="15m"/>`, group: 'need="7"' })}
    07:55
    08:00-09:00 ${away(1, 2)}
    09:02 config more
    09:03 pass
    09:05-09:20 ${away(1, 2)}
    > 08:06 ops: firing warning web-1 unreachable, firing warning web-2 unreachable
    > 09:03 ops: firing critical - group-short web, escalated critical web-1 unreachable below web, escalated critical web-2 unreachable below web
    > 09:21 phone: firing critical - group-short web, firing critical web-1 unreachable below web, firing critical web-2 unreachable below web

  after an isolation three are still away: those that answer again are no lines below their group
    ${fleet({})}
    07:55
    08:00-08:20 ${cut(...all)}
    08:25-08:35 ${cut(1, 2, 3)}
    > 08:06 oncall: firing critical - collector-isolated collector-1
    > 08:06 ops: firing critical - collector-isolated collector-1
    > 08:26 oncall: firing critical - group-short web, firing critical web-1 unreachable below web, firing critical web-2 unreachable below web, firing critical web-3 unreachable below web, resolved - collector-isolated collector-1
    > 08:26 ops: firing critical - group-short web, firing critical web-1 unreachable below web, firing critical web-2 unreachable below web, firing critical web-3 unreachable below web, resolved - collector-isolated collector-1

  whoever is rung after 15 minutes hears of all members, although one was acknowledged as a warning
    ${fleet({ alerts: `${ops}<mail to="phone@example.org" severity="critical" after="15m"/>` })}
    07:55
    08:00-08:05 ${away(1)}
    08:07 ack web-1
    08:10-08:40 ${away(1, 2, 3)}
    > 08:06 ops: firing warning web-1 unreachable
    > 08:16 ops: firing critical - group-short web, escalated critical web-1 unreachable below web, firing critical web-2 unreachable below web, firing critical web-3 unreachable below web
    > 08:31 phone: firing critical - group-short web, firing critical web-1 unreachable below web, firing critical web-2 unreachable below web, firing critical web-3 unreachable below web

  whoever is rung after 15 minutes is rung once none serves, although somebody acknowledged the group before
    ${fleet({ more: others, alerts: `${ops}<mail to="phone@example.org" severity="critical" after="15m"/>` })}
    07:55
    08:00-08:05 ${away(1, 2, 3)}
    08:07 ack
    08:10-08:30 ${away(1, 2, 3)}
    08:35-08:50 ${away(...all)}
    > 08:06 ops: firing critical - group-short web, firing critical web-1 unreachable below web, firing critical web-2 unreachable below web, firing critical web-3 unreachable below web
    > 08:41 ops: firing critical - group-short web, firing critical web-4 unreachable below web, firing critical web-5 unreachable below web, firing critical web-6 unreachable below web, firing critical web-7 unreachable below web, firing critical web-8 unreachable below web
    > 08:41 phone: firing critical - group-short web, firing critical web-1 unreachable below web, firing critical web-2 unreachable below web, firing critical web-3 unreachable below web

  a collector whose clock is ahead: the group is told at once, and its members never without it
    ${fleet({})}
    07:50 collector clock +6
    07:55
    08:00-08:10 ${away(1, 2, 3)}
    08:15-08:45
    > 08:06 oncall: firing critical - group-short web, firing critical web-1 unreachable below web, firing critical web-2 unreachable below web, firing critical web-3 unreachable below web
    > 08:06 ops: firing critical - group-short web, firing critical web-1 unreachable below web, firing critical web-2 unreachable below web, firing critical web-3 unreachable below web
    > 08:36 oncall: resolved - group-short web, resolved web-1 unreachable below web, resolved web-2 unreachable below web, resolved web-3 unreachable below web
    > 08:36 ops: resolved - group-short web, resolved web-1 unreachable below web, resolved web-2 unreachable below web, resolved web-3 unreachable below web
`;

if (isWide) passStories(further);
