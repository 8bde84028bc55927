// The VM prints every print event to stdout; what asks it for something wants to hear its own words.

/** Runs without the VM's own echo of every print event. */
export function quietly(act) {
  const { log } = console;
  console.log = () => {};
  try {
    return act();
  } finally {
    console.log = log;
  }
}
