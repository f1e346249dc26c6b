import { choice, flag, many, narrowing, selection, text, withDefault } from '../command/define-command.ts';

export const statusParameters = {
  clients: many(text('[client...]', 'only these clients or patterns')),
  group: selection.group,
  label: selection.label,
  ...narrowing,
  sort: withDefault(
    choice('--sort <by>', 'the order', ['urgency', 'name', 'report', 'cpu', 'memory', 'disk', 'alerts']),
    'urgency',
  ),
  watch: flag('--watch', 'refresh the table on the terminal after each run, until Ctrl-C'),
  exitStatus: flag(
    '--exit-status',
    'exit with 1 if a listed client is late or failing, an alert fires or a mail is undelivered',
  ),
} as const;
