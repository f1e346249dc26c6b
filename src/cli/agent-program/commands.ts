/** src/cli/agent-program: the commands of `fleet-health-agent`. */
import { choice, defineCommand, flag, text } from '../command/define-command.ts';
import { pushParameters, reportParameters } from './parameters.ts';

export const report = defineCommand({
  name: 'report',
  help: 'print a report of this machine in clear, or write it into a file',
  example: 'fleet-health-agent report --format daemon-report --every 10s',
  parameters: reportParameters,
  run: async (context, options) => (await import('./report.ts')).reportCommand(context, options),
});

const modeArgument = text('<mode>', 'report, push, pattoo, spoke or edge');
const pushFormat = choice('--format <form>', 'push: post the document of pattoo-os, as the mode pattoo does', [
  'pattoo',
]);
const pushing = {
  every: text('--every <duration>', 'push and pattoo: the interval instead of that of agent.json, 10s to 1d'),
  format: pushFormat,
  to: text('--to <url>', 'pattoo: the server instead of that of agent.json'),
} as const;
const ending = {
  mode: modeArgument,
  format: { ...pushFormat, isHidden: true },
  force: flag('--force', 'kill the process at once, whatever it is doing'),
} as const;
const send = flag('--send', 'edge: send changes of alerts to the receiver in agent.json');

export const run = defineCommand({
  name: 'run',
  help: 'run a mode in the foreground, for systemd and containers',
  example: 'fleet-health-agent run report',
  parameters: {
    mode: modeArgument,
    send,
    ...pushing,
    inBackground: { ...flag('--in-background', 'as the process that start has made'), isHidden: true },
  },
  run: async (context, options) => (await import('./run.ts')).runCommand(context, options),
});

export const edge = defineCommand({
  name: 'edge',
  help: 'evaluate reports by the rules of agent.json in the foreground, and print changes only',
  example: 'fleet-health-agent edge --send',
  parameters: { send },
  run: async (context, options) =>
    (await import('./run.ts')).runCommand(context, { ...options, mode: 'edge', inBackground: false }),
});

export const spoke = defineCommand({
  name: 'spoke',
  help: 'answer a collector that requests reports over HTTP, in the foreground',
  example: 'fleet-health-agent spoke',
  parameters: {},
  run: async (context) =>
    (await import('./run.ts')).runCommand(context, { mode: 'spoke', send: false, inBackground: false }),
});

export const start = defineCommand({
  name: 'start',
  help: 'start a mode in the background',
  example: 'fleet-health-agent start report',
  parameters: { mode: modeArgument, send, ...pushing, force: { ...ending.force, isHidden: true } },
  run: async (context, options) => (await import('./control.ts')).startCommand(context, options),
});

export const stop = defineCommand({
  name: 'stop',
  help: 'end a mode within ten seconds, after its current work',
  example: 'fleet-health-agent stop report',
  parameters: ending,
  run: async (context, options) => (await import('./control.ts')).stopCommand(context, options),
});

export const restart = defineCommand({
  name: 'restart',
  help: 'start a mode, after ending it if it is running',
  example: 'fleet-health-agent restart --force report',
  parameters: { ...ending, send, ...pushing },
  run: async (context, options) => (await import('./control.ts')).restartCommand(context, options),
});

export const reload = defineCommand({
  name: 'reload',
  help: 'make a mode reopen its log and read agent.json again',
  example: 'fleet-health-agent reload edge',
  parameters: { mode: modeArgument },
  run: async (context, options) => (await import('./control.ts')).reloadCommand(context, options),
});

export const status = defineCommand({
  name: 'status',
  help: 'exit with 0 if a mode is running, with 3 if not',
  example: 'fleet-health-agent status report',
  parameters: ending,
  run: async (context, options) => (await import('./control.ts')).statusCommand(context, options),
});

export const push = defineCommand({
  name: 'push',
  help: 'make a report and send all unacknowledged reports to the collector, from cron or a timer',
  example: 'fleet-health-agent push',
  parameters: pushParameters,
  run: async (context, options) => (await import('./push.ts')).pushCommand(context, options),
});
