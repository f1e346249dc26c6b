import { importKinds } from '../../import/import.ts';
import { defineCommand, text } from '../command/define-command.ts';

export const importCommand = defineCommand({
  name: 'import',
  help: 'clients for config.xml from the list of machines that you have',
  example: 'fleet-health import ansible inventory.yml -o clients.d/ansible.xml',
  parameters: {
    kind: text('<kind>', `what the list is: ${importKinds.join(', ')}`),
    file: text('[file]', 'the list; - or nothing: standard input'),
    out: text('-o, --out <file>', 'write a file for <include> instead; one that exists is left alone'),
    update: {
      ...text('--update <file>', 'say what is new, gone and changed since this file, and write nothing'),
      conflicts: ['out'],
    },
  },
  run: async (context, options) => (await import('./import.ts')).importHostsCommand(context, options),
});
