import { defineCommand, many, text } from '../command/define-command.ts';
import { changesParameters, forecastParameters, reportParameters } from './parameters.ts';

export const report = defineCommand({
  name: 'report',
  help: 'write the fleet into one HTML file to open, mail or print',
  example: "fleet-health report 'web-*' --since 7d -o fleet.html",
  parameters: reportParameters,
  run: async (context, options) => (await import('./report.ts')).reportCommand(context, options),
});

export const show = defineCommand({
  name: 'show',
  help: 'print alerts, figures, disks, visits, the last day and mails of one client',
  example: 'fleet-health show web-1',
  parameters: { client: text('<client>', 'the name, or a pattern that matches one client') },
  run: async (context, { client }) => (await import('./show.ts')).showCommand(context, client),
});

export const forecast = defineCommand({
  name: 'forecast',
  help: 'list file systems that will be full soon, and when',
  example: "fleet-health forecast 'db-*' --within 14d",
  parameters: forecastParameters,
  run: async (context, options) => (await import('./forecast.ts')).forecastCommand(context, options),
});

export const changes = defineCommand({
  name: 'changes',
  help: 'list what changed on clients, or who has a package: packages, files, units, accounts, listeners, mounts',
  example: 'fleet-health changes web --since 24h',
  parameters: changesParameters,
  run: async (context, options) => (await import('./changes.ts')).changesCommand(context, options),
});

export const outliers = defineCommand({
  name: 'outliers',
  help: 'list members of a group that differ from the others',
  example: 'fleet-health outliers web',
  parameters: {
    groups: many(text('[group...]', 'only these groups or patterns, with all their members')),
  },
  run: async (context, options) => (await import('./outliers.ts')).outliersCommand(context, options),
});
