import { example, type Command, type CommandPlace } from '../command/command-parts.ts';
import type { KeysAction } from './keys.ts';

/** `keys` and what it can do. */
export function addKeys({ program, execute }: CommandPlace): void {
  const keys = example(
    program.command('keys').description('the keys that reports are sealed to'),
    'fleet-health keys rotate',
  );
  const action = (name: KeysAction, description: string, shown: string, args = ''): Command => {
    const command = keys.command(`${name} ${args}`.trim()).description(description);
    return example(command, shown).action((...given: unknown[]) =>
      execute(async (context) => {
        const { keysCommand } = await import('./keys.ts');
        const [what] = given;
        return keysCommand(context, {
          action: name,
          what: typeof what === 'string' ? what : null,
          force: command.opts<{ force?: true }>().force ?? false,
          except: command.opts<{ except?: readonly string[] }>().except ?? [],
        });
      }),
    );
  };
  action('list', 'the live keys, newest first', 'fleet-health keys list');
  action('generate', 'make the first pair', 'fleet-health keys generate');
  action('rotate', 'make a new pair; older ones still open', 'fleet-health keys rotate');
  action(
    'retire',
    'remove a key once nothing waits for it; nothing sealed to it can be opened any more',
    'fleet-health keys retire 1f0c',
    '<id>',
  )
    .option(
      '--except <client>',
      'give up what this client may hold; what others hold still counts (may be given again)',
      (name: string, before: readonly string[] | undefined) => [...(before ?? []), name],
    )
    .option('--force', 'even if reports may wait that only this key opens');
  action(
    'import-public',
    'seal to a key whose private half is on another machine (collect --no-open)',
    'fleet-health keys import-public 20261120T100000Z-6d31c1d4f0a9be27.pem',
    '<file>',
  );
}
