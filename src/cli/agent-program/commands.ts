import { choice, defineCommand, flag, text } from '../command/define-command.ts';

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

const modeArgument = text('<mode>', 'report, push, spoke or edge');
const ending = { mode: modeArgument, force: flag('--force', 'at once, and whatever it is doing') } as const;
const send = flag('--send', 'edge: send changes of alerts to where agent.json says');

export const run = defineCommand({
  name: 'run',
  help: 'a mode in the foreground, as systemd and containers start it',
  example: 'fleet-health-agent run report',
  parameters: {
    mode: modeArgument,
    send,
    inBackground: { ...flag('--in-background', 'as the process that start has made'), isHidden: true },
  },
  run: async (context, options) => (await import('./run.ts')).runCommand(context, options),
});

export const edge = defineCommand({
  name: 'edge',
  help: 'evaluate reports by the rules of agent.json, in the foreground; report changes alone',
  example: 'fleet-health-agent edge --send',
  parameters: { send },
  run: async (context, options) =>
    (await import('./run.ts')).runCommand(context, { ...options, mode: 'edge', inBackground: false }),
});

export const spoke = defineCommand({
  name: 'spoke',
  help: 'answer a collector that asks for reports over HTTP, in the foreground',
  example: 'fleet-health-agent spoke',
  parameters: {},
  run: async (context) =>
    (await import('./run.ts')).runCommand(context, { mode: 'spoke', send: false, inBackground: false }),
});

export const start = defineCommand({
  name: 'start',
  help: 'start a mode in the background',
  example: 'fleet-health-agent start report',
  parameters: { mode: modeArgument, send, force: { ...ending.force, isHidden: true } },
  run: async (context, options) => (await import('./control.ts')).startCommand(context, options),
});

export const stop = defineCommand({
  name: 'stop',
  help: 'end a mode in good order, within ten seconds',
  example: 'fleet-health-agent stop report',
  parameters: ending,
  run: async (context, options) => (await import('./control.ts')).stopCommand(context, options),
});

export const restart = defineCommand({
  name: 'restart',
  help: 'end a mode if it is running, and start it',
  example: 'fleet-health-agent restart --force report',
  parameters: { ...ending, send },
  run: async (context, options) => (await import('./control.ts')).restartCommand(context, options),
});

export const reload = defineCommand({
  name: 'reload',
  help: 'have a mode open its log and read agent.json again',
  example: 'fleet-health-agent reload edge',
  parameters: { mode: modeArgument },
  run: async (context, options) => (await import('./control.ts')).reloadCommand(context, options),
});

export const status = defineCommand({
  name: 'status',
  help: 'whether a mode is running (exit status 0) or not (3)',
  example: 'fleet-health-agent status report',
  parameters: ending,
  run: async (context, options) => (await import('./control.ts')).statusCommand(context, options),
});

export const push = defineCommand({
  name: 'push',
  help: 'make one report and send the collector all that it has not acknowledged; for cron or a timer',
  example: 'fleet-health-agent push',
  parameters: {
    once: flag('--once', 'now, even in the pause after pushes that failed'),
    every: {
      ...text('--every <duration>', 'stay, and push each time: 10s to 1d'),
      conflicts: ['once', 'format', 'to'],
    },
    format: choice('--format <form>', 'post the document of pattoo-os to --to in place of sealed reports', ['pattoo']),
    to: text('--to <url>', 'with --format, the server: it posts to receive/AGENT_ID below'),
  },
  run: async (context, options) => (await import('./push.ts')).pushCommand(context, options),
});
