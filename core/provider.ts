/** What graphs run on. There is no third value that means "whichever works": a worker that was asked for a GPU uses one or says why not. */
export type Provider = 'cpu' | 'cuda';
