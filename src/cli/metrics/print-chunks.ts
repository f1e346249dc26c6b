/** Writes pieces to stdout, each when the one before has left. Stops if the reader went away. */
export async function printChunks(chunks: AsyncIterable<string>): Promise<void> {
  for await (const chunk of chunks) {
    const isTaken = await new Promise<boolean>((resolve) => {
      process.stdout.write(chunk, (error) => resolve(error === undefined || error === null));
    });
    if (!isTaken) return;
  }
}
