import { connection } from '../connection.ts';
import { model } from '../form.ts';

const WORDS = { connecting: 'connecting', connected: 'ready', lost: 'not answering' };

export function Masthead() {
  return (
    <header class="masthead">
      <a class="brand" href="/">
        <img src="/favicon.svg" alt="" />
        Reelay <span>Studio</span>
      </a>
      <p class="server" data-connection={connection.value}>
        {model.value?.id ?? 'server'} {WORDS[connection.value]}
      </p>
    </header>
  );
}
