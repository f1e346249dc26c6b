import { choice, flag, text } from '../command/define-command.ts';

const formats = ['json', 'daemon-report', 'pattoo'] as const;

export const reportParameters = {
  format: choice(
    '--format <form>',
    'the format of the document (default: that of agent.json, otherwise json)',
    formats,
  ),
  every: text('--every <duration>', 'keep running, and append a line to the file at this interval: 10s to 1d'),
  file: text('-o, --output <file>', 'the file for --every (default: reports.jsonl in the state folder)'),
} as const;

export const pushParameters = {
  once: flag('--once', 'push now, even in the pause after failed pushes'),
  every: {
    ...text('--every <duration>', 'keep running, and push at this interval: 10s to 1d'),
    conflicts: ['once'],
  },
  format: choice('--format <form>', 'post the document of pattoo-os to --to instead of sealed reports', ['pattoo']),
  to: text('--to <url>', 'the server for --format; documents go to receive/AGENT_ID below this URL'),
} as const;
