import { render } from 'preact';
import { App } from './components/app.tsx';
import { connect, startSession } from './connection.ts';
import { startWatching } from './watch.ts';

const root = document.getElementById('studio');
if (root !== null) render(<App />, root);
startWatching();
startSession();
void connect();
