import { anyText, defineCommand, defineGroup, flag, many, text, wholeNumber } from '../command/define-command.ts';
import { usageError } from '../../platform/errors/errors.ts';
import {
  alertParameters,
  alertsParameters,
  explainParameters,
  silenceAddParameters,
  tuneParameters,
  until,
} from './parameters.ts';

export const alert = defineCommand({
  name: 'alert',
  help: 'evaluate unprocessed rows once, and mail what changed',
  example: 'fleet-health alert --dry-run',
  parameters: alertParameters,
  run: async (context, { every, ...options }) => {
    if (options.replay || options.since !== null || options.rules !== null) {
      if (every !== null) throw usageError('--every repeats passes, and a replay is none', 'Leave one of them out.');
      return (await import('./replay.ts')).replayCommand(context, options);
    }
    const { alertCommand } = await import('./alert.ts');
    if (every === null) return await alertCommand(context, options);
    return await (
      await import('../runs/repeat-runs.ts')
    ).repeatRuns(context, every, (own) => alertCommand(own, options));
  },
});

export const alerts = defineCommand({
  name: 'alerts',
  help: 'list open alerts, since when they fire, and who was notified',
  example: "fleet-health alerts 'web-*'",
  parameters: alertsParameters,
  run: async (context, options) => (await import('./alerts.ts')).alertsCommand(context, options),
});

export const explain = defineCommand({
  name: 'explain',
  help: 'explain why somebody was or was not notified',
  example: 'fleet-health explain db-1 disk',
  parameters: explainParameters,
  run: async (context, options) => (await import('./explain.ts')).explainCommand(context, options),
});

const target = {
  names: many(text('[names...]', 'numbers of alerts (12 15-19), or a client or pattern, then a rule or pattern')),
  all: flag('--all', 'all firing alerts of the fleet, not only those that you are notified of'),
};

export const ack = defineCommand({
  name: 'ack',
  help: 'acknowledge alerts: no reminders until they end or get worse',
  example: "fleet-health ack db-1 disk --until 18:00 --comment 'on it'",
  parameters: {
    ...target,
    for: text('--for <duration>', 'the duration: 4h'),
    until,
    comment: anyText('--comment <text>', 'a comment that `alerts`, `explain` and mails show to others'),
  },
  run: async (context, options) => (await import('./ack.ts')).ackCommand(context, options),
});

export const unack = defineCommand({
  name: 'unack',
  help: 'withdraw acknowledgements, so that reminders are sent again',
  example: 'fleet-health unack 12',
  parameters: target,
  run: async (context, options) => (await import('./ack.ts')).unackCommand(context, options),
});

const silenceAdd = defineCommand({
  name: 'add',
  help: 'add a silence, with patterns as in config.xml',
  example: 'fleet-health silence add --group web --from 22:00 --until 06:00',
  parameters: silenceAddParameters,
  run: async (context, options) => (await import('./silence.ts')).silenceAddCommand(context, options),
});

const silenceList = defineCommand({
  name: 'list',
  help: 'list the silences in force',
  example: 'fleet-health silence list',
  run: async (context) => (await import('./silence.ts')).silenceListCommand(context),
});

const silenceExpire = defineCommand({
  name: 'expire',
  help: 'end a silence now',
  example: 'fleet-health silence expire 3',
  parameters: { id: wholeNumber('<id>', 'the number in `silence list`', 1, 999_999_999) },
  run: async (context, { id }) => (await import('./silence.ts')).silenceExpireCommand(context, id),
});

export const silence = defineGroup(
  {
    name: 'silence',
    help: 'suppress notifications for a time',
    example: "fleet-health silence add --client 'web-*' --until 2h --comment 'moving logs'",
  },
  [silenceAdd, silenceList, silenceExpire],
);

export const digest = defineCommand({
  name: 'digest',
  help: 'print what a <digest> would say now, and send nothing',
  example: 'fleet-health digest --since 7d',
  parameters: {
    name: text('[name]', 'the name that `check` lists (default: the first of config.xml, or the whole fleet)'),
    since: text(
      '--since <time>',
      'the beginning: 7d ago, yesterday, 2026-12-01 (default: the last time that it was due)',
    ),
  },
  run: async (context, options) => (await import('./digest.ts')).digestCommand(context, options),
});

export const tune = defineCommand({
  name: 'tune',
  help: 'propose edits of config.xml that would have quieted past noise',
  example: 'fleet-health tune --show memory',
  parameters: tuneParameters,
  run: async (context, options) => (await import('./tune.ts')).tuneCommand(context, options),
});

const mailList = defineCommand({
  name: 'list',
  help: 'list undelivered mails, with the reason',
  example: 'fleet-health mail list',
  run: async (context) => (await import('./mail.ts')).mailListCommand(context),
});

const mailDiscard = defineCommand({
  name: 'discard',
  help: 'give up undelivered mails for good',
  example: 'fleet-health mail discard 7',
  parameters: { ids: many(wholeNumber('<number...>', 'the numbers in `mail list`', 1, 999_999_999)) },
  run: async (context, { ids }) => (await import('./mail.ts')).mailDiscardCommand(context, ids),
});

const mailResend = defineCommand({
  name: 'resend',
  help: 'send mails with the next pass, including refused ones',
  example: 'fleet-health mail resend 7',
  parameters: { ids: many(wholeNumber('<number...>', 'the numbers in `mail list`', 1, 999_999_999)) },
  run: async (context, { ids }) => (await import('./mail.ts')).mailResendCommand(context, ids),
});

export const mail = defineGroup(
  { name: 'mail', help: 'list, resend or discard undelivered mails', example: 'fleet-health mail list' },
  [mailList, mailResend, mailDiscard],
);

const forgetCollector = defineCommand({
  name: 'collector',
  help: 'forget a collector that will not run again',
  example: 'fleet-health forget collector 5f0c2a6e',
  parameters: { id: text('<id>', 'the collector-id in the alert, or its first characters') },
  run: async (context, { id }) => (await import('./forget.ts')).forgetCollectorCommand(context, id),
});

const forgetClient = defineCommand({
  name: 'client',
  help: 'delete the history of a client that left config.xml',
  example: 'fleet-health forget client old-web-2',
  parameters: { name: text('<name>', 'the name in `status`'), yes: flag('--yes', 'do not ask for confirmation') },
  run: async (context, options) => (await import('./forget.ts')).forgetClientCommand(context, options),
});

export const forget = defineGroup(
  {
    name: 'forget',
    help: 'forget collectors and clients that no longer exist',
    example: 'fleet-health forget collector 5f0c2a6e',
  },
  [forgetCollector, forgetClient],
);
