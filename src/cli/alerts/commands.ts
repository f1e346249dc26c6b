import {
  choice,
  defineCommand,
  defineGroup,
  flag,
  many,
  narrowing,
  selection,
  text,
  wholeNumber,
  withDefault,
} from '../command/define-command.ts';

export const alert = defineCommand({
  name: 'alert',
  help: 'evaluate new rows and mail what people need to know, once',
  example: 'fleet-health alert --dry-run',
  parameters: {
    dryRun: flag('--dry-run', 'print the mails it would send, and change nothing'),
    replay: flag(
      '--replay',
      'evaluate what is stored again: who would have been notified of what, and when; changes nothing',
    ),
    since: text('--since <time>', 'how far back the replay goes: a duration (30d) or a time; default 7d'),
    rules: text('--rules <file>', 'replay the rules of this config.xml instead'),
  },
  run: async (context, options) =>
    options.replay || options.since !== null || options.rules !== null
      ? (await import('./replay.ts')).replayCommand(context, options)
      : (await import('../runs/alert.ts')).alertCommand(context, options),
});

export const alerts = defineCommand({
  name: 'alerts',
  help: 'what is open, since when, and who was notified',
  example: "fleet-health alerts 'web-*'",
  parameters: {
    clients: many(text('[client...]', 'only those of these clients or patterns')),
    group: selection.group,
    label: selection.label,
    ...narrowing,
    sort: withDefault(
      choice('--sort <by>', 'what stands first; since: the newest', ['urgency', 'since', 'client', 'rule']),
      'urgency',
    ),
    all: flag('--all', 'also what has ended in the last seven days'),
    since: text(
      '--since <time>',
      'what was firing at some time since then, ended or not: last night is --since 22:00; 3d, yesterday',
    ),
    exitStatus: flag('--exit-status', 'exit with 1 if an alert shown fires'),
  },
  run: async (context, options) => (await import('./alerts.ts')).alertsCommand(context, options),
});

export const explain = defineCommand({
  name: 'explain',
  help: 'why somebody was or was not notified, from what is stored',
  example: 'fleet-health explain db-1 disk',
  parameters: {
    first: text('[client]', 'one client'),
    second: text('[rule]', 'only this rule or pattern, and more about it'),
    fleet: flag('--fleet', 'what concerns no single client, or one rule of it: explain --fleet collector-silent'),
  },
  run: async (context, options) => (await import('./explain.ts')).explainCommand(context, options),
});

const target = {
  names: many(text('[names...]', 'numbers of alerts (12 15-19), or a client or pattern, then a rule or pattern')),
  all: flag('--all', 'everything that fires in the whole fleet, not only what you are notified of'),
};

const until = text(
  '--until <time>',
  'until then: 18:00 (the next), tomorrow 08:00, 2026-12-01 06:00, or how long (2h)',
);

export const ack = defineCommand({
  name: 'ack',
  help: 'acknowledge: no reminders until it ends or gets worse',
  example: "fleet-health ack db-1 disk --until 18:00 --comment 'on it'",
  parameters: {
    ...target,
    for: text('--for <duration>', 'only so long: 4h'),
    until,
    comment: text('--comment <text>', 'for the others: `alerts`, `explain` and mails show it'),
  },
  run: async (context, options) => (await import('./ack.ts')).ackCommand(context, options),
});

export const unack = defineCommand({
  name: 'unack',
  help: 'take an acknowledgement back: reminders come again',
  example: 'fleet-health unack 12',
  parameters: target,
  run: async (context, options) => (await import('./ack.ts')).unackCommand(context, options),
});

const silenceAdd = defineCommand({
  name: 'add',
  help: 'begin one; patterns are as in config.xml',
  example: 'fleet-health silence add --group web --from 22:00 --until 06:00',
  parameters: {
    client: text('--client <pattern>', 'the clients'),
    group: text('--group <name>', 'the clients of this group and of those inside it, also those that join it later'),
    label: text('--label <labels>', 'the clients with these labels, like site=ber,role!=db, also later ones'),
    rule: text('--rule <pattern>', 'the rules, by name'),
    subject: text('--subject <pattern>', 'the mounts, units, interfaces ...'),
    from: text('--from <time>', 'not before then; as --until'),
    until,
    for: text('--for <duration>', 'how long: 2h'),
    comment: text('--comment <text>', 'for the others'),
  },
  run: async (context, options) => (await import('./silence.ts')).silenceAddCommand(context, options),
});

const silenceList = defineCommand({
  name: 'list',
  help: 'those in force',
  example: 'fleet-health silence list',
  run: async (context) => (await import('./silence.ts')).silenceListCommand(context),
});

const silenceExpire = defineCommand({
  name: 'expire',
  help: 'end one now',
  example: 'fleet-health silence expire 3',
  parameters: { id: wholeNumber('<id>', 'its number, as in the list', 1, 999_999_999) },
  run: async (context, { id }) => (await import('./silence.ts')).silenceExpireCommand(context, id),
});

export const silence = defineGroup(
  {
    name: 'silence',
    help: 'notify nobody of something for a while',
    example: "fleet-health silence add --client 'web-*' --rule disk --until 2h --comment 'moving logs'",
  },
  [silenceAdd, silenceList, silenceExpire],
);

export const digest = defineCommand({
  name: 'digest',
  help: 'what a <digest> would say now; sends nothing',
  example: 'fleet-health digest --since 7d',
  parameters: {
    name: text('[name]', 'as `check` lists it; default: the first of config.xml, or the whole fleet'),
    since: text('--since <time>', 'the beginning: 7d ago, yesterday, 2026-12-01; default: when it was due last'),
  },
  run: async (context, options) => (await import('./digest.ts')).digestCommand(context, options),
});

const mailList = defineCommand({
  name: 'list',
  help: 'those that wait, and why',
  example: 'fleet-health mail list',
  run: async (context) => (await import('./mail.ts')).mailListCommand(context),
});

const mailDiscard = defineCommand({
  name: 'discard',
  help: 'give up for good',
  example: 'fleet-health mail discard 7',
  parameters: { ids: many(wholeNumber('<number...>', 'as in the list', 1, 999_999_999)) },
  run: async (context, { ids }) => (await import('./mail.ts')).mailDiscardCommand(context, ids),
});

const mailResend = defineCommand({
  name: 'resend',
  help: 'try again with the next pass, refused ones too',
  example: 'fleet-health mail resend 7',
  parameters: { ids: many(wholeNumber('<number...>', 'as in the list', 1, 999_999_999)) },
  run: async (context, { ids }) => (await import('./mail.ts')).mailResendCommand(context, ids),
});

export const mail = defineGroup(
  { name: 'mail', help: 'mails that no server has taken', example: 'fleet-health mail list' },
  [mailList, mailResend, mailDiscard],
);

const forgetCollector = defineCommand({
  name: 'collector',
  help: 'a collector that will not run again',
  example: 'fleet-health forget collector 5f0c2a6e',
  parameters: { id: text('<id>', 'its collector-id, as the alert names it; the first characters are enough') },
  run: async (context, { id }) => (await import('./forget.ts')).forgetCollectorCommand(context, id),
});

const forgetClient = defineCommand({
  name: 'client',
  help: 'a client that left config.xml: its history is deleted',
  example: 'fleet-health forget client old-web-2',
  parameters: { name: text('<name>', 'as `status` lists it'), yes: flag('--yes', 'ask nothing') },
  run: async (context, options) => (await import('./forget.ts')).forgetClientCommand(context, options),
});

export const forget = defineGroup(
  {
    name: 'forget',
    help: 'what is no more, so that nobody waits for it',
    example: 'fleet-health forget collector 5f0c2a6e',
  },
  [forgetCollector, forgetClient],
);
