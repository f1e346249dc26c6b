import { anyText, choice, flag, many, narrowing, selection, text, withDefault } from '../command/define-command.ts';

export const until = text(
  '--until <time>',
  'the end: 18:00 (the next), tomorrow 08:00, 2026-12-01 06:00, or a duration (2h)',
);

export const alertParameters = {
  dryRun: flag('--dry-run', 'print the mails that would be sent, and change nothing'),
  replay: flag(
    '--replay',
    'evaluate stored rows again, print who would have been notified of what and when, and change nothing',
  ),
  since: text('--since <time>', 'the beginning of the replay: a duration (30d) or a time (default: 7d)'),
  rules: text('--rules <file>', 'a config.xml whose rules are replayed instead'),
  every: text(
    '--every <duration>',
    'keep running, and begin a pass at this interval, where there is no cron: 10s to 1d',
  ),
} as const;

export const alertsParameters = {
  clients: many(text('[client...]', 'only alerts of these clients or patterns')),
  group: selection.group,
  label: selection.label,
  ...narrowing,
  sort: withDefault(
    choice('--sort <by>', 'the order; since: the newest first', ['urgency', 'since', 'client', 'rule']),
    'urgency',
  ),
  all: flag('--all', 'also alerts that ended in the last seven days'),
  since: text(
    '--since <time>',
    'alerts that fired at any time since then, ended or not: 22:00 (last night), 3d, yesterday',
  ),
  exitStatus: flag('--exit-status', 'exit with 1 if a listed alert fires'),
} as const;

export const explainParameters = {
  first: text('[client]', 'one client'),
  second: text('[rule]', 'only this rule or pattern, in more detail'),
  fleet: flag(
    '--fleet',
    'alerts that concern no single client; with a rule, that rule: explain --fleet collector-silent',
  ),
} as const;

export const silenceAddParameters = {
  client: text('--client <pattern>', 'the clients'),
  group: text('--group <name>', 'clients of this group and of groups inside it, including later ones'),
  label: text('--label <labels>', 'clients with these labels, like site=ber,role!=db, including later ones'),
  rule: text('--rule <pattern>', 'the rules, by name or type'),
  subject: text('--subject <pattern>', 'the mounts, units, interfaces and so on'),
  from: text('--from <time>', 'the beginning, in the forms of --until (default: now)'),
  until,
  for: text('--for <duration>', 'the duration: 2h'),
  comment: anyText('--comment <text>', 'a comment for others'),
} as const;

export const tuneParameters = {
  since: withDefault(text('--since <time>', 'the beginning: a duration (90d) or a time'), '30d'),
  within: withDefault(text('--within <duration>', 'alerts that were over within this time may be noise'), '1h'),
  show: text('--show <rule>', 'list the past alerts of a rule or pattern that would not have been told'),
  noReplay: flag('--no-replay', 'propose by past alerts alone, and verify nothing'),
} as const;
