import { story } from './story.ts';

const disk1x = '<alert type="disk" limit="90%"/>';

story(
  'four changes within twelve rows are one notice, and twelve quiet rows later the true state is told: over',
  disk1x,
  `08:00 disk / 95
   08:05 disk / 50
   08:10 disk / 50
   08:15 disk / 95
   08:20 disk / 50
   08:25 disk / 50
   08:30 disk / 95
   08:35 disk / 50
   08:40 disk / 50
   09:00 disk / 50
   09:05 disk / 50
   09:10 disk / 50
   09:15 disk / 50
   09:20 disk / 50
   09:25 disk / 50
   09:30 disk / 50
   09:35 disk / 50
   09:40 disk / 50
   09:45 disk / 50
   09:50 disk / 50
   09:55 disk / 50
   10:00 disk / 50`,
  `08:00 disk / fires critical
   08:10 disk / is over: recovered
   08:15 disk / fires critical
   08:25 disk / flaps
   09:55 disk / is steady
   09:55 disk / is over: recovered`,
);

story(
  'where it goes on firing at the end, that is what is told',
  disk1x,
  `08:00 disk / 95
   08:05 disk / 50
   08:10 disk / 50
   08:15 disk / 95
   08:20 disk / 50
   08:25 disk / 50
   08:30 disk / 95
   08:35 disk / 95
   08:40 disk / 95
   08:45 disk / 95
   08:50 disk / 95
   08:55 disk / ?
   09:00 disk / 95
   09:05 disk / 95
   09:10 disk / 95
   09:15 disk / 95
   09:20 disk / 95
   09:25 disk / 95
   09:30 disk / 95
   09:35 disk / 95
   09:40 disk / 50
   09:45 disk / 50`,
  `08:00 disk / fires critical
   08:10 disk / is over: recovered
   08:15 disk / fires critical
   08:25 disk / flaps
   09:35 disk / is steady
   09:45 disk / is over: recovered`,
);

story(
  'a value that dances around critical flaps too',
  '<alert type="disk" warning="80%" critical="90%"/>',
  `08:00 disk / 85
   08:05 disk / 91
   08:10 disk / 85
   08:15 disk / 85
   08:20 disk / 91
   08:25 disk / 85
   08:30 disk / 85`,
  `08:00 disk / fires warning
   08:05 disk / gets worse
   08:15 disk / eases
   08:20 disk / gets worse
   08:30 disk / eases
   08:30 disk / flaps`,
);

story(
  'a value that rises through both limits and falls again does not flap',
  '<alert type="disk" warning="80%" critical="90%"/>',
  `08:00 disk / 85
   08:05 disk / 91
   08:10 disk / 85
   08:15 disk / 85
   08:20 disk / 50
   08:25 disk / 50`,
  `08:00 disk / fires warning
   08:05 disk / gets worse
   08:15 disk / eases
   08:25 disk / is over: recovered`,
);

story(
  'three changes, and the fourth more than twelve rows after the first, are none too many',
  disk1x,
  `08:00 disk / 95
   08:05 disk / 50
   08:10 disk / 50
   08:15 disk / 95
   08:20 disk / 95
   08:25 disk / 95
   08:30 disk / 95
   08:35 disk / 95
   08:40 disk / 95
   08:45 disk / 95
   08:50 disk / 95
   08:55 disk / 50
   09:00 disk / 50`,
  `08:00 disk / fires critical
   08:10 disk / is over: recovered
   08:15 disk / fires critical
   09:00 disk / is over: recovered`,
);

story(
  'a mount that is gone ends its flapping',
  disk1x,
  `08:00 disk /data 95
   08:05 disk /data 50
   08:10 disk /data 50
   08:15 disk /data 95
   08:20 disk /data 50
   08:25 disk /data 50
   08:30
   08:35`,
  `08:00 disk /data fires critical
   08:10 disk /data is over: recovered
   08:15 disk /data fires critical
   08:25 disk /data flaps
   08:35 disk /data is steady
   08:35 disk /data is over: gone`,
);

story(
  'a client that comes and goes flaps by its visits',
  '',
  `08:00 visit fails dns
   08:05 visit fails dns
   08:10 visit ok
   08:15 visit fails dns
   08:20 visit fails dns
   08:25 visit ok
   08:26`,
  `08:00 unreachable is pending
   08:05 unreachable fires critical
   08:10 unreachable is over: recovered
   08:15 unreachable is pending
   08:20 unreachable fires critical
   08:25 unreachable flaps`,
);
