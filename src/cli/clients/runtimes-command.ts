import { example, type CommandPlace } from '../command/command-parts.ts';

/** `runtimes` and what it can do. */
export function addRuntimes({ program, execute }: CommandPlace): void {
  const runtimes = example(
    program.command('runtimes').description('the Node.js binaries that clients with runtime="bring" get'),
    'fleet-health runtimes add linux-x64',
  );
  example(
    runtimes.command('add').description('keep a Node.js for clients of one platform, and compress it'),
    'fleet-health runtimes add linux-arm64-musl --from node-v22.11.0-linux-arm64-musl.tar.xz',
  )
    .argument('<platform>', 'linux-x64, linux-arm64, linux-x64-musl, linux-arm64-musl, linux-ppc64le or linux-s390x')
    .option(
      '--from <origin>',
      'a file (node itself or a release archive), self (the Node.js that runs this), npm or npm@VERSION; ' +
        'default: self where it fits, else npm',
    )
    .option('--shasums <file>', 'compare the archive of --from with this SHASUMS256.txt, before anything of it is run')
    .action((platform: string, { from, shasums }: { from?: string; shasums?: string }) =>
      execute(async (context) => {
        const { runtimesAddCommand } = await import('./runtimes.ts');
        return runtimesAddCommand(context, { platform, from: from ?? null, shasums: shasums ?? null });
      }),
    );
  example(runtimes.command('list').description('those that are kept'), 'fleet-health runtimes list').action(() =>
    execute(async (context) => (await import('./runtimes.ts')).runtimesListCommand(context)),
  );
  example(
    runtimes.command('remove').description('delete one; clients keep what they have'),
    'fleet-health runtimes remove linux-x64',
  )
    .argument('<platform>', 'as in the list')
    .action((platform: string) =>
      execute(async (context) => (await import('./runtimes.ts')).runtimesRemoveCommand(context, platform)),
    );
}
