{{%AUTOESCAPE context="HTML"}}
  <p class="crumb"><a href="{{BASE}}/">Tunnels</a> / {{#IS_EDIT}}<a href="{{BASE}}/tunnels/{{ID}}"><bdi>{{OLD_NAME}}</bdi></a> / Edit{{/IS_EDIT}}{{#IS_NEW}}New{{/IS_NEW}}</p>
  <div class="head">
    <h1>{{#IS_EDIT}}Edit {{OLD_NAME}}{{/IS_EDIT}}{{#IS_NEW}}New tunnel{{/IS_NEW}}</h1>
  </div>
  <div class="two">
    <form class="card form" method="post" action="{{BASE}}{{#IS_EDIT}}/tunnels/{{ID}}/edit{{/IS_EDIT}}{{#MAKES}}/new{{/MAKES}}">
      <input type="hidden" name="token" value="{{TOKEN}}">
      {{#ANYWAY}}<input type="hidden" name="anyway" value="{{ANYWAY}}">{{/ANYWAY}}
      {{#IS_NEW}}
      <div class="field">
        <p id="quick"><strong>Start from</strong></p>
        <ul class="chips">
          {{#PRESET}}
          <li><a href="{{BASE}}/new?for={{WORD}}"{{#CURRENT}} aria-current="true"{{/CURRENT}}>{{LABEL}}</a></li>
          {{/PRESET}}
        </ul>
      </div>
      {{/IS_NEW}}
      <div class="field"><label for="name">Name</label><input id="name" name="name" type="text" value="{{NAME}}" maxlength="100" required{{#NAME_WRONG}} aria-invalid="true" aria-describedby="name-e"{{/NAME_WRONG}}>{{#NAME_WRONG}}<p class="wrong" id="name-e">{{SAYS}}</p>{{/NAME_WRONG}}</div>
      <fieldset id="kind">
        <legend>Kind</legend>
        <div class="picks">
          <label class="pick"><input type="radio" name="kind" value="tcp"{{#IS_TCP}} checked{{/IS_TCP}}> <b>TCP</b> <span class="hint">desktops, SSH, websites, most games</span></label>
          <label class="pick"><input type="radio" name="kind" value="udp"{{#IS_UDP}} checked{{/IS_UDP}}> <b>UDP</b> <span class="hint">fast games, voice</span></label>
          <label class="pick"><input type="radio" name="kind" value="both"{{#IS_BOTH}} checked{{/IS_BOTH}}> <b>Both</b> <span class="hint">one number for both; if you are not sure</span></label>
        </div>
        {{#KIND_WRONG}}<p class="wrong">{{SAYS}}</p>{{/KIND_WRONG}}
      </fieldset>
      <div class="field"><label for="local_port">Port on your machine</label><p class="hint" id="local_port-h">Where the program listens. {{#PORT_HINT}}{{PORT_HINT}}{{/PORT_HINT}}</p><input class="mono port" id="local_port" name="local_port" type="text" inputmode="numeric" value="{{LOCAL_PORT}}" required{{#LOCAL_PORT_WRONG}} aria-invalid="true" aria-describedby="local_port-e"{{/LOCAL_PORT_WRONG}}>{{#LOCAL_PORT_WRONG}}<p class="wrong" id="local_port-e">{{SAYS}}</p>{{/LOCAL_PORT_WRONG}}</div>
      {{#MACHINES}}
      <fieldset>
        <legend>Machine</legend>
        <div class="picks">
          <label class="pick"><input type="radio" name="machine" value="new"{{#NEW_ONE}} checked{{/NEW_ONE}}> <b>A new one</b> <span class="hint">you get a command to run there</span></label>
          {{#PICK}}
          <label class="pick"><input type="radio" name="machine" value="{{MACHINE_ID}}"{{#CHOSEN}} checked{{/CHOSEN}}> <b>{{MACHINE_NAME}}</b> <span class="hint">{{SYSTEM}}</span></label>
          {{/PICK}}
        </div>
      </fieldset>
      {{/MACHINES}}
      <details class="more"{{#MORE_OPEN}} open{{/MORE_OPEN}}>
        <summary>More choices</summary>
        <div class="form">
          <div class="side">
            <div class="field"><label for="local_host">Host behind the machine</label><p class="hint" id="local_host-h">127.0.0.1 is the machine itself.</p><input id="local_host" name="local_host" type="text" value="{{LOCAL_HOST}}"{{#LOCAL_HOST_WRONG}} aria-invalid="true" aria-describedby="local_host-e"{{/LOCAL_HOST_WRONG}}>{{#LOCAL_HOST_WRONG}}<p class="wrong" id="local_host-e">{{SAYS}}</p>{{/LOCAL_HOST_WRONG}}</div>
            <div class="field"><label for="public_port">Public port</label><p class="hint" id="public_port-h">{{FROM}} to {{TO}}, or empty for a free one.</p><input class="mono port" id="public_port" name="public_port" type="text" inputmode="numeric" value="{{PUBLIC_PORT}}"{{#PUBLIC_PORT_WRONG}} aria-invalid="true" aria-describedby="public_port-e"{{/PUBLIC_PORT_WRONG}}>{{#PUBLIC_PORT_WRONG}}<p class="wrong" id="public_port-e">{{SAYS}}</p>{{/PUBLIC_PORT_WRONG}}</div>
            <div class="field"><label for="expires">Close it on</label><p class="hint" id="expires-h">Empty: stays until you delete it.</p><input id="expires" name="expires" type="date" value="{{EXPIRES}}"{{#EXPIRES_WRONG}} aria-invalid="true" aria-describedby="expires-e"{{/EXPIRES_WRONG}}>{{#EXPIRES_WRONG}}<p class="wrong" id="expires-e">{{SAYS}}</p>{{/EXPIRES_WRONG}}</div>
          </div>
          <div class="field"><label for="allow">Who may come</label><p class="hint" id="allow-h">Addresses or networks, with commas between them. Empty: anybody. Yours is {{MY_ADDRESS}}.</p><input class="mono" id="allow" name="allow" type="text" value="{{ALLOW}}"{{#ALLOW_WRONG}} aria-invalid="true" aria-describedby="allow-e"{{/ALLOW_WRONG}}>{{#ALLOW_WRONG}}<p class="wrong" id="allow-e">{{SAYS}}</p>{{/ALLOW_WRONG}}</div>
          <div class="field"><label for="deny">Who may not</label><p class="hint" id="deny-h">Of those who may come, these are turned away.</p><input class="mono" id="deny" name="deny" type="text" value="{{DENY}}"{{#DENY_WRONG}} aria-invalid="true" aria-describedby="deny-e"{{/DENY_WRONG}}>{{#DENY_WRONG}}<p class="wrong" id="deny-e">{{SAYS}}</p>{{/DENY_WRONG}}</div>
          <div class="side">
            <div class="field"><label for="address_rate">Visits from one address</label><p class="hint" id="address_rate-h">A minute, at most; slows down who guesses passwords. Empty: no limit.</p><input class="mono port" id="address_rate" name="address_rate" type="text" inputmode="numeric" value="{{ADDRESS_RATE}}"{{#ADDRESS_RATE_WRONG}} aria-invalid="true" aria-describedby="address_rate-e"{{/ADDRESS_RATE_WRONG}}>{{#ADDRESS_RATE_WRONG}}<p class="wrong" id="address_rate-e">{{SAYS}}</p>{{/ADDRESS_RATE_WRONG}}</div>
            <div class="field"><label for="visitors_max">Visitors at once</label><p class="hint" id="visitors_max-h">At most. Empty: no limit of its own.</p><input class="mono port" id="visitors_max" name="visitors_max" type="text" inputmode="numeric" value="{{VISITORS_MAX}}"{{#VISITORS_MAX_WRONG}} aria-invalid="true" aria-describedby="visitors_max-e"{{/VISITORS_MAX_WRONG}}>{{#VISITORS_MAX_WRONG}}<p class="wrong" id="visitors_max-e">{{SAYS}}</p>{{/VISITORS_MAX_WRONG}}</div>
          </div>
          <div class="field"><label for="proxy_protocol">Tell the service the visitor’s address</label>
            <p class="hint" id="proxy_protocol-h">Only for a service that expects the PROXY protocol; others break with it.</p>
            <select id="proxy_protocol" name="proxy_protocol" aria-describedby="proxy_protocol-h"><option value="off"{{#IS_OFF}} selected{{/IS_OFF}}>No</option><option value="v1"{{#IS_V1}} selected{{/IS_V1}}>PROXY protocol, version 1</option><option value="v2"{{#IS_V2}} selected{{/IS_V2}}>PROXY protocol, version 2</option></select>{{#PROXY_PROTOCOL_WRONG}}<p class="wrong">{{SAYS}}</p>{{/PROXY_PROTOCOL_WRONG}}</div>
        </div>
      </details>
      <div class="acts">
        {{#MAKES}}
        <button class="btn go" type="submit">{{MAKE}}</button>
        <a class="btn" href="{{BASE}}/">Cancel</a>
        {{/MAKES}}
        {{#SAVES}}
        <button class="btn go" type="submit">{{SAVE}}</button>
        <a class="btn" href="{{BASE}}/tunnels/{{ID}}">Cancel</a>
        {{/SAVES}}
      </div>
    </form>
    <aside class="card" aria-labelledby="will">
      {{#MAKES}}
      <h2 id="will">What you will get</h2>
      <dl class="facts">
        <dt>Address</dt><dd><code>{{HOST}}</code> and a port</dd>
        <dt>Leads to</dt><dd>the port that you name, on the computer that you choose, and nothing else on it</dd>
        <dt>Who may come</dt><dd>anybody who knows the address, unless you say otherwise</dd>
      </dl>
      <p class="soft small">It stays shut until somebody opens the verification link. You can pause or delete it at any time.</p>
      {{/MAKES}}
      {{#SAVES}}
      <h2 id="will">What a change does</h2>
      <p>It holds within a second. Other tunnels, and visitors whom it does not concern, notice nothing.</p>
      <p class="soft small">A computer serves only the local addresses that its own command names. After you change the host or the port behind the machine, download a new file for it, or run the new command there; you are told when it would refuse.</p>
      {{/SAVES}}
    </aside>
  </div>
