import { flag, many, optionalText, text } from '../command/define-command.ts';

export const checkParameters = {
  clients: many(text('[client...]', 'print the route, rules, limits, recipients and windows of these clients')),
  defaults: flag('--defaults', 'also print every default in force'),
  connect: flag('--connect', 'also try the database, the mail server and every login'),
  webhook: text('--webhook <name>', 'also send a test message to a webhook of config.xml'),
  replies: flag('--replies', 'also log in to the mailbox of replies'),
  mail: optionalText('--mail [address]', 'also send a test mail (default: to the first who is notified of alerts)'),
} as const;
