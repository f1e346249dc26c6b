let cpuBeforeMs = 0;

/** Begins the count of CPU time anew, for a process that makes one run after the other. */
export function restartProcessUse(): void {
  cpuBeforeMs = cpuOf(process.resourceUsage());
}

/** Returns the CPU time of this process, or of its present run, so far, and the most memory that it has held. */
export function processUse(): { readonly cpuMs: number; readonly maxRssBytes: number } {
  const usage = process.resourceUsage();
  return { cpuMs: cpuOf(usage) - cpuBeforeMs, maxRssBytes: usage.maxRSS * 1024 };
}

function cpuOf({ userCPUTime, systemCPUTime }: NodeJS.ResourceUsage): number {
  return Math.round((userCPUTime + systemCPUTime) / 1000);
}
