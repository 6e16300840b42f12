/** The real render child, which stops where it is when it is asked to pause: what a hung kernel looks like to the supervisor. */
process.on('message', (message: { type: string }) => {
  if (message.type === 'pause') process.kill(process.pid, 'SIGSTOP');
});
await import('#gpu-container/render/render-process.ts');
