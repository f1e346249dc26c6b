/** src/cli/sealed: `ingest`, `keys`. */
import { defineCommand, defineGroup, text } from '../command/define-command.ts';
import { retireParameters } from './parameters.ts';

export const ingest = defineCommand({
  name: 'ingest',
  help: 'open reports that a collector without the private key stored sealed (collect --no-open)',
  example: 'fleet-health ingest',
  run: async (context) => (await import('./ingest.ts')).ingestCommand(context),
});

const list = defineCommand({
  name: 'list',
  help: 'list the keys, the newest first',
  example: 'fleet-health keys list',
  run: async (context) => (await import('./keys.ts')).keysListCommand(context),
});

const generate = defineCommand({
  name: 'generate',
  help: 'generate the first key pair',
  example: 'fleet-health keys generate',
  run: async (context) => (await import('./keys.ts')).keysGenerateCommand(context),
});

const rotate = defineCommand({
  name: 'rotate',
  help: 'generate a new key pair; the former pairs still open reports',
  example: 'fleet-health keys rotate',
  run: async (context) => (await import('./keys.ts')).keysRotateCommand(context),
});

const retire = defineCommand({
  name: 'retire',
  help: 'delete a key for which no reports wait; reports sealed to it can never be opened again',
  example: 'fleet-health keys retire 1f0c',
  parameters: retireParameters,
  run: async (context, options) => (await import('./keys.ts')).keysRetireCommand(context, options),
});

const importPublic = defineCommand({
  name: 'import-public',
  help: 'seal to a key whose private half stays on another machine (collect --no-open)',
  example: 'fleet-health keys import-public 20261120T100000Z-6d31c1d4f0a9be27.pem',
  parameters: { file: text('<file>', 'the public key that `keys generate` wrote') },
  run: async (context, { file }) => (await import('./keys.ts')).keysImportCommand(context, file),
});

export const keys = defineGroup(
  { name: 'keys', help: 'manage the keys that reports are sealed to', example: 'fleet-health keys rotate' },
  [list, generate, rotate, retire, importPublic],
);
