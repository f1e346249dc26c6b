import { flag, many, selection, text } from '../command/define-command.ts';

export const trustParameters = {
  clients: many(text('[client...]', 'only these clients or bastions, and the bastions on their routes')),
  group: selection.group,
  label: selection.label,
  yes: flag('--yes', 'do not ask for confirmation'),
  replace: flag('--replace', 'also replace keys that have changed'),
  from: text('--from <file>', 'a known_hosts file, or lines of `name SHA256:...`, to compare with instead of asking'),
} as const;
