/** Writes chunks to stdout, each after the previous one has left. Stops if the reader has closed the pipe. */
export async function printChunks(chunks: AsyncIterable<string>): Promise<void> {
  for await (const chunk of chunks) {
    const isTaken = await new Promise<boolean>((resolve) => {
      process.stdout.write(chunk, (error) => resolve(error === undefined || error === null));
    });
    if (!isTaken) return;
  }
}
