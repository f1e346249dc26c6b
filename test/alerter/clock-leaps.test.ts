// Second tier: clocks that leap in each direction.
import { passStories } from './support/whole-pass-story.ts';

const fleet = (alerts: string): string =>
  `<collector every="15m" runDeadline="10m"/><alerts><mail to="ops@example.org"/>
    <alert type="disk" warning="85%" critical="95%"/>${alerts}</alerts>
   <client name="web-[1-3]" ip="192.0.2.[1-3]" username="u"/>`;
const often = fleet('').replace('<alerts>', '<alerts repeat="1h">');
const cpu = '<alert type="cpu" limit="95%" for="45m"/>';

passStories(`
  all clocks leap three hours ahead while an alert is pending: it begins anew, and does not fire for the leap
    ${fleet(cpu)}
    07:45
    08:00 web-1 cpu 99
    11:15-12:00 web-1 cpu 99
    > 12:01 ops: firing critical web-1 cpu

  all clocks leap three hours back: what is pending fires and what fires recovers as if they had not
    ${fleet(cpu)}
    11:45
    12:00 web-1 cpu 99 | web-2 disk / 97
    09:15-09:30 web-1 cpu 99
    09:45-10:00 web-1 cpu 99
    > 12:01 ops: firing critical web-2 disk /
    > 09:31 ops: resolved web-2 disk /
    > 10:01 ops: firing critical web-1 cpu

  all clocks are ten years ahead for two runs: everything goes on as before
    ${fleet('')}
    07:30
    07:45 web-1 disk / 96
    +3650 08:00-+3650 08:15 web-1 disk / 96 | web-2 disk / 96
    08:30-08:45
    09:00-09:30 web-1 mute | web-3 disk / 97
    09:45
    > 07:46 ops: firing critical web-1 disk /
    > +3650 08:01 ops: firing critical web-2 disk /, reminder critical web-1 disk /
    > 08:46 ops: resolved web-1 disk /, resolved web-2 disk /
    > 09:01 ops: firing critical web-3 disk /
    > 09:31 ops: firing critical web-1 no-report
    > 09:46 ops: resolved web-1 no-report

  all clocks leap a month back while an alert fires: the next reminder comes a \`repeat\` later
    ${often}
    +30 07:45
    +30 08:00 web-1 disk / 96
    08:15-09:15 web-1 disk / 96
    > +30 08:01 ops: firing critical web-1 disk /
    > 09:16 ops: reminder critical web-1 disk /

  all clocks leap a month back: warnings keep to \`groupInterval\` all the same, and none waits for long
    ${fleet('').replace('<alerts>', '<alerts groupInterval="1h">')}
    +30 07:45
    +30 08:00 web-1 disk / 90
    08:15 web-1 disk / 90 | web-2 disk / 90
    08:30-09:30 web-1 disk / 90 | web-2 disk / 90 | web-3 disk / 90
    > +30 08:01 ops: firing warning web-1 disk /
    > 08:16 ops: firing warning web-2 disk /
    > 09:16 ops: firing warning web-3 disk /

  all clocks leap a month back: a silence, an acknowledgement and its end are those of the clock
    ${often}
    +30 07:45
    +30 08:00 web-1 disk / 96
    08:15 web-1 disk / 96
    08:17 ack web-1 until 09:30
    08:20 silence web-2 until 09:00
    08:30-08:45 web-1 disk / 96 | web-2 disk / 96
    09:00-09:45 web-1 disk / 96 | web-2 disk / 96
    > +30 08:01 ops: firing critical web-1 disk /
    > 09:01 ops: firing critical web-2 disk /
    > 09:31 ops: reminder critical web-1 disk /

  all clocks leap three hours back while an alert fires: the next reminder comes a \`repeat\` later
    ${often}
    11:45
    12:00 web-1 disk / 96
    09:15-10:15 web-1 disk / 96
    > 12:01 ops: firing critical web-1 disk /
    > 10:16 ops: reminder critical web-1 disk /

  all clocks are a year ahead every other run: one reminder is early, and the next comes a \`repeat\` after the first leap back
    ${often}
    07:45
    08:00 web-1 disk / 96
    +365 08:15 web-1 disk / 96
    08:30 web-1 disk / 96
    +365 08:45 web-1 disk / 96
    09:00 web-1 disk / 96
    +365 09:15 web-1 disk / 96
    09:30 web-1 disk / 96
    > 08:01 ops: firing critical web-1 disk /
    > +365 08:16 ops: reminder critical web-1 disk /
    > 09:31 ops: reminder critical web-1 disk /

  ten years ahead, back, and then the collector stops: that is notified in time
    ${fleet('')}
    07:45
    +3650 08:00-+3650 08:15
    08:30
    08:45-09:30 pass
    > 09:30 ops: firing critical - collector-silent collector-1

  the collector is three hours ahead of the database for an hour: it is notified of, and alerts go on
    ${fleet('')}
    07:45
    08:00 collector clock +180
    08:00
    08:15-08:45 web-1 disk / 96
    08:50 collector clock +0
    09:00-09:15
    > 08:16 ops: firing critical web-1 disk /
    > 08:31 ops: firing critical - collector-silent collector-1
    > 09:01 ops: resolved - collector-silent collector-1
    > 09:16 ops: resolved web-1 disk /

  the collector is three hours behind the database for an hour: it is notified of, and what it saw is notified as past
    ${fleet('')}
    07:45
    08:00 collector clock -180
    08:00
    08:15-08:45 web-1 disk / 96
    08:50 collector clock +0
    09:00
    > 08:31 ops: firing critical - collector-silent collector-1
    > 09:01 ops: resolved - collector-silent collector-1, past web-1 disk / 05:15 to 05:45

  the collector is always three hours ahead of the database: it is notified of, and its rows are evaluated by its own clock
    ${fleet(cpu)}
    07:00 collector clock +180
    07:00-08:00
    08:15-09:30 web-1 cpu 99
    09:45-10:00
    > 07:31 ops: firing critical - collector-silent collector-1
    > 09:01 ops: firing critical web-1 cpu
    > 09:16 ops: resolved - collector-silent collector-1
    > 10:01 ops: resolved web-1 cpu

  cron leaves out the hour that a clock change skips: nobody is missed for it, and what is pending begins anew
    ${fleet(cpu)}
    07:15
    07:30-07:45 web-1 cpu 99
    09:00-09:45 web-1 cpu 99
    > 09:46 ops: firing critical web-1 cpu

  cron runs the hour that a clock change doubles twice as often: \`for\` is a time all the same
    ${fleet(cpu)}
    07:45
    08:00 web-1 cpu 99
    08:07 web-1 cpu 99
    08:15 web-1 cpu 99
    08:22 web-1 cpu 99
    08:30 web-1 cpu 99
    08:37 web-1 cpu 99
    08:45 web-1 cpu 99
    > 08:46 ops: firing critical web-1 cpu
`);
