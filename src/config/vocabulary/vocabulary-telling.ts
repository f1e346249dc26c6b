import type { Attributes } from './element-spec.ts';

export const mailAttributes: Attributes = {
  to: { kind: 'emails', required: true, help: 'Who is told as well, separated by commas.' },
  severity: { words: ['warning', 'critical'], help: 'The least severity they are told. Default: all.' },
  rules: { kind: 'globs', help: 'Names of the rules they are told of, patterns allowed. Default: all.' },
  hours: {
    kind: 'hours',
    help: 'When they are told, like mon-fri 08:00-18:00, in the zone of <alerts>; the rest waits. Default: always.',
  },
};

export const windowAttributes: Attributes = {
  days: { kind: 'days', help: 'Days of the week on which it begins, like sun or mon-fri. Default: every day.' },
  date: { kind: 'date', help: 'The one day on which it begins, like 2026-12-24; instead of days.' },
  start: { kind: 'clock', required: true, help: 'When it begins, like 02:00.' },
  duration: { kind: 'duration', required: true, help: 'How long it lasts; at most 7d.' },
  zone: { kind: 'zone', help: "IANA time zone of start. Default: that of <alerts>, else the server's." },
  rules: { kind: 'globs', help: 'Names of the rules that are held back, patterns allowed. Default: all.' },
  severity: { words: ['warning'], help: 'warning: critical alerts are told all the same. Default: nothing is.' },
};
