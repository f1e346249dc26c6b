import { choice, defineCommand, text } from '../command/define-command.ts';

const formats = ['json', 'daemon-report', 'pattoo'] as const;

export const report = defineCommand({
  name: 'report',
  help: 'one report of this machine in clear, on standard output or into a file',
  example: 'fleet-health-agent report --format daemon-report --every 10s',
  parameters: {
    format: choice('--format <form>', 'the form of the document (default: that of agent.json, else json)', formats),
    every: text('--every <duration>', 'stay, and append a line to the file each time: 10s to 1d'),
    file: text('-o, --output <file>', 'with --every, the file (default: reports.jsonl in the state folder)'),
  },
  run: async (context, options) => (await import('./report.ts')).reportCommand(context, options),
});
