import { defineCommand, defineGroup, flag, many, text } from '../command/define-command.ts';

export const ingest = defineCommand({
  name: 'ingest',
  help: 'open what a collector without the private key (collect --no-open) has stored sealed',
  example: 'fleet-health ingest',
  run: async (context) => (await import('./ingest.ts')).ingestCommand(context),
});

const list = defineCommand({
  name: 'list',
  help: 'the live keys, newest first',
  example: 'fleet-health keys list',
  run: async (context) => (await import('./keys.ts')).keysListCommand(context),
});

const generate = defineCommand({
  name: 'generate',
  help: 'make the first pair',
  example: 'fleet-health keys generate',
  run: async (context) => (await import('./keys.ts')).keysGenerateCommand(context),
});

const rotate = defineCommand({
  name: 'rotate',
  help: 'make a new pair; older ones still open',
  example: 'fleet-health keys rotate',
  run: async (context) => (await import('./keys.ts')).keysRotateCommand(context),
});

const retire = defineCommand({
  name: 'retire',
  help: 'remove a key once nothing waits for it; nothing sealed to it can be opened any more',
  example: 'fleet-health keys retire 1f0c',
  parameters: {
    id: text('<id>', 'as `keys list` shows it; the first characters are enough'),
    except: many(
      text(
        '--except <client>',
        'give up what this client may hold; what others hold still counts (may be given again)',
      ),
    ),
    force: flag('--force', 'even if reports may wait that only this key opens'),
  },
  run: async (context, options) => (await import('./keys.ts')).keysRetireCommand(context, options),
});

const importPublic = defineCommand({
  name: 'import-public',
  help: 'seal to a key whose private half is on another machine (collect --no-open)',
  example: 'fleet-health keys import-public 20261120T100000Z-6d31c1d4f0a9be27.pem',
  parameters: { file: text('<file>', 'the public key, as `keys generate` writes it') },
  run: async (context, { file }) => (await import('./keys.ts')).keysImportCommand(context, file),
});

export const keys = defineGroup(
  { name: 'keys', help: 'the keys that reports are sealed to', example: 'fleet-health keys rotate' },
  [list, generate, rotate, retire, importPublic],
);
