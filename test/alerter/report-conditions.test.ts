import { story } from './story.ts';

story(
  'a probe that fails in three reports in a row is told, and has recovered after two in which it does not',
  '',
  `
  08:00 probe os fails
  08:05 probe os fails
  08:10
  08:15 probe os fails
  08:20 probe os fails
  08:25 probe os fails
  08:30
  08:35
  `,
  `
  08:00 probe-failed os is pending
  08:10 probe-failed os was not confirmed
  08:15 probe-failed os is pending
  08:25 probe-failed os fires warning
  08:35 probe-failed os is over: recovered
  `,
);

story(
  'a clock that is more than a minute off in two reports, whichever way',
  '',
  `
  08:00 clock 59
  08:05 clock 90
  08:10 clock -90
  08:15 clock 1
  08:20 clock 1
  `,
  `
  08:05 clock-offset is pending
  08:10 clock-offset fires warning
  08:20 clock-offset is over: recovered
  `,
);

story(
  'a mount that hangs in two reports is critical, and costs nothing else its word',
  '<alert type="disk" warning="85%" critical="95%"/>',
  `
  08:00 mount /srv hangs, disk / 96
  08:05 mount /srv hangs, disk / 96
  08:10 mount /srv answers, disk / 50
  08:15 mount /srv answers, disk / 50
  `,
  `
  08:00 disk / fires critical
  08:00 mount-unresponsive /srv is pending
  08:05 mount-unresponsive /srv fires critical
  08:15 disk / is over: recovered
  08:15 mount-unresponsive /srv is over: recovered
  `,
);

story(
  'without any rule: a full disk and a failed unit at once, memory with the third row',
  '',
  `
  08:00 disk / 91, unit a.service failed, memory 98
  08:05 disk / 91, unit a.service failed, memory 98
  08:10 disk / 96, unit a.service failed, memory 98
  `,
  `
  08:00 memory is pending
  08:00 disk / fires warning
  08:00 service a.service fires warning
  08:10 memory fires critical
  08:10 disk / gets worse
  `,
);

story(
  'rules that came by themselves and conditions can be removed by name, each of them',
  ['disk', 'inodes', 'memory', 'service', 'clock-offset', 'probe-failed', 'mount-unresponsive', 'rebooted']
    .map((name) => `<alert name="${name}" enabled="no"/>`)
    .join(''),
  `
  08:00 disk / 99, unit a.service failed, memory 99, clock 90, mount /srv hangs
  08:05 disk / 99, unit a.service failed, memory 99, clock 90, mount /srv hangs, boot 2
  08:10 disk / 99, unit a.service failed, memory 99, clock 90, mount /srv hangs, probe os fails, boot 3
  `,
  '',
);
