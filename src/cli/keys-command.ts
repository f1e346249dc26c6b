import { example, type CommandPlace } from './command-parts.ts';
import type { KeysAction } from './keys.ts';

/** `keys` and what it can do. */
export function addKeys({ program, execute }: CommandPlace): void {
  const keys = example(
    program.command('keys').description('the key pairs that reports are sealed to'),
    'fleet-health keys rotate',
  );
  const action = (name: KeysAction, description: string, shown: string, args = ''): void => {
    example(keys.command(`${name} ${args}`.trim()).description(description), shown).action((id: unknown) =>
      execute(async (context) => {
        const { keysCommand } = await import('./keys.ts');
        return keysCommand(context, { action: name, id: typeof id === 'string' ? id : null });
      }),
    );
  };
  action('list', 'the live pairs, newest first', 'fleet-health keys list');
  action('generate', 'make the first pair', 'fleet-health keys generate');
  action('rotate', 'make a new pair; older ones still open', 'fleet-health keys rotate');
  action(
    'retire',
    'remove a pair; nothing sealed to it can be opened any more',
    'fleet-health keys retire 1f0c',
    '<id>',
  );
}
