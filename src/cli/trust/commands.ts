import { defineCommand, flag, many, selection, text } from '../command/define-command.ts';

export const trust = defineCommand({
  name: 'trust',
  help: 'fetch host keys, show their fingerprints, ask, and remember them',
  example: 'fleet-health trust web-1 web-2',
  parameters: {
    clients: many(text('[client...]', 'only these clients or bastions, and what lies on the way to them')),
    group: selection.group,
    label: selection.label,
    yes: flag('--yes', 'ask nothing'),
    replace: flag('--replace', 'also replace keys that have changed'),
    from: text('--from <file>', 'compare with a known_hosts file, or lines of `name SHA256:...`, instead of asking'),
  },
  run: async (context, options) => (await import('./trust.ts')).trustCommand(context, options),
});
