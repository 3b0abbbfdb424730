{{%AUTOESCAPE context="HTML"}}
  <div class="head">
    <div>
      <h1>Machines</h1>
      <p>A machine is a computer that runs Adit. Each has keys, which you can revoke one by one.</p>
    </div>
  </div>
  {{#NONE}}
  <section class="card">
    <h2>No machine yet</h2>
    <p>One appears here when you connect a computer to a tunnel. Make a tunnel first; its page leads you on.</p>
    <div class="acts"><a class="btn go" href="{{BASE}}/new">New tunnel</a></div>
  </section>
  {{/NONE}}
  {{#LIST}}
  <div class="tools">
    <form class="find" role="search" action="{{BASE}}/machines">
      <label class="vh" for="q">Search machines</label>
      <input id="q" name="q" type="search" placeholder="Name or address" value="{{Q}}">
      <button class="btn mini" type="submit">Search</button>
    </form>
    <span class="live soft needs-js" id="live">Live</span>
  </div>
  <section class="card flat" aria-label="Your machines" id="machines" data-live>
    <table class="stack">
      <thead><tr><th scope="col">Name</th><th scope="col">State</th><th scope="col">Serves</th><th scope="col">System</th><th scope="col">Keys</th><th scope="col"><span class="vh">Action</span></th></tr></thead>
      <tbody>
        {{#MACHINE}}
        <tr><th scope="row"><bdi>{{NAME}}</bdi><br><span class="soft small">{{COMPUTER}}</span>
            <details class="more small"{{#RENAMING}} open{{/RENAMING}}><summary>Rename<span class="vh"> {{NAME}}</span></summary><form class="find" method="post" action="{{BASE}}/machines"><input type="hidden" name="token" value="{{TOKEN}}"><input type="hidden" name="machine" value="{{ID}}"><label class="vh" for="name-{{ID}}">New name of {{NAME}}</label><input id="name-{{ID}}" name="name" type="text" maxlength="100" value="{{NEW_NAME}}" required{{#NAME_WRONG}} aria-invalid="true" aria-describedby="name-{{ID}}-e"{{/NAME_WRONG}}> <button class="btn mini" type="submit">Rename</button></form>{{#NAME_WRONG}}<p class="wrong" id="name-{{ID}}-e">{{SAYS}}</p>{{/NAME_WRONG}}</details></th>
          <td data-label="State"><span><span class="state {{SHAPE}}">{{STATE}}</span><br><span class="soft small nowrap">{{SINCE}}</span></span></td>
          <td data-label="Serves"><span>{{#SERVES}}{{#COMMA}}, {{/COMMA}}<a href="{{BASE}}/tunnels/{{TUNNEL}}"><bdi>{{TUNNEL_NAME}}</bdi></a>{{/SERVES}}{{#SERVES_NONE}}<span class="soft">none</span>{{/SERVES_NONE}}{{#ALLOWS}}<br><span class="soft small">allows <code>{{ALLOWS}}</code></span>{{/ALLOWS}}</span></td>
          <td data-label="System"><span>{{SYSTEM}}<br><code class="small">{{ADDRESS}}</code></span></td>
          <td data-label="Keys"><div>{{#KEY}}<div class="keyline small">of {{MADE}}, last used {{USED}} <form method="post" action="{{BASE}}/keys/{{KEY_ID}}/revoke"><input type="hidden" name="token" value="{{TOKEN}}"><button class="link" type="submit">Revoke<span class="vh"> the key of {{MADE}}</span></button></form></div>{{/KEY}}</div></td>
          <td class="num"><a class="btn mini stop" href="{{BASE}}/machines/{{ID}}/remove">Remove<span class="vh"> {{NAME}}</span></a></td></tr>
        {{/MACHINE}}
      </tbody>
    </table>
  </section>
  {{/LIST}}
  <p class="soft small">{{SHOWN}}</p>
