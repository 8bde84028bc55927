// A file of many calls into the VM never lets its process hear anything else; a runner that gets
// no answer for a minute gives the file up.

/** Lets messages through. */
export const breathe = () => new Promise((resolve) => setTimeout(resolve, 1));
