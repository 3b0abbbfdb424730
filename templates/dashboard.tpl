{{%AUTOESCAPE context="HTML"}}
  <div class="head">
    <div>
      <h1>Tunnels</h1>
      <p id="summary" data-live>{{SUMMARY}}{{#BROKEN}} <a href="{{BASE}}/?show=broken">{{BROKEN}}</a>{{/BROKEN}}</p>
    </div>
    <a class="btn go" href="{{BASE}}/new">New tunnel</a>
  </div>
  <div class="tools">
    <form class="find" role="search" action="{{BASE}}/">
      <label class="vh" for="q">Search by name, port or machine</label>
      <input id="q" name="q" type="search" placeholder="Name, port or machine" value="{{Q}}">
      <button class="btn mini" type="submit">Search</button>
    </form>
    <nav class="sort" aria-label="Sort tunnels by">
      <span class="soft">Sort by</span>
      <ul>
        <li><a href="{{BASE}}/?sort=need"{{#BY_NEED}} aria-current="true"{{/BY_NEED}}>what needs you</a></li>
        <li><a href="{{BASE}}/?sort=name"{{#BY_NAME}} aria-current="true"{{/BY_NAME}}>name</a></li>
        <li><a href="{{BASE}}/?sort=traffic"{{#BY_TRAFFIC}} aria-current="true"{{/BY_TRAFFIC}}>traffic</a></li>
        <li><a href="{{BASE}}/?sort=new"{{#BY_NEW}} aria-current="true"{{/BY_NEW}}>newest</a></li>
      </ul>
    </nav>
  </div>
  <section class="card flat" aria-label="Your tunnels">
    <ul class="tunnels">
      {{#TUNNEL}}
      <li class="tunnel">
        <div class="who">
          <span class="state {{CLASS}}" id="state-{{ID}}" data-live>{{WORD}}</span>
          <h2><a href="{{BASE}}/tunnels/{{ID}}">{{NAME}}</a></h2>
          <span class="addr"><code>{{HOST}}<b>:{{PORT}}</b></code> <button class="copy needs-js" type="button" data-copy="{{ADDRESS}}">Copy<span class="vh"> {{ADDRESS}}</span></button></span>
          <p class="small soft">{{KIND}} to <code>{{TARGET}}</code>{{#MACHINE}} on <bdi>{{MACHINE}}</bdi>{{/MACHINE}}{{#NO_MACHINE}}, no computer yet{{/NO_MACHINE}}</p>
        </div>
        <div class="path" id="path-{{ID}}" data-live>
          <ol class="line{{#FLOWS}} flow{{/FLOWS}}">
            {{#LAMP}}
            <li class="{{SHAPE}}"><b>{{STATION}}</b><span class="vh">: {{SAYS}}</span></li>
            {{/LAMP}}
          </ol>
          <p class="says"><strong>{{STRONG}}</strong> {{REST}}</p>
        </div>
        <div class="pulse" id="pulse-{{ID}}" data-live>
          {{#SPARK}}
          <svg class="spark" viewBox="0 0 96 24" preserveAspectRatio="none" role="img" aria-label="Traffic of the last 24 hours"><path d="{{PATH}}"/></svg>
          {{/SPARK}}
          {{#PULSE}}
          <span><b data-moved="{{MOVED}}">{{BYTES}}</b> today{{#VISITORS}}, {{VISITORS}}{{/VISITORS}}</span>
          {{/PULSE}}
          {{#PAUSE}}
          <form method="post" action="{{BASE}}/tunnels/{{ID}}/pause"><input type="hidden" name="token" value="{{TOKEN}}"><button class="btn mini" type="submit">Pause<span class="vh">: {{NAME}}</span></button></form>
          {{/PAUSE}}
          {{#RESUME}}
          <form method="post" action="{{BASE}}/tunnels/{{ID}}/resume"><input type="hidden" name="token" value="{{TOKEN}}"><button class="btn mini" type="submit">Resume<span class="vh">: {{NAME}}</span></button></form>
          {{/RESUME}}
          {{#STEPS}}<a class="btn mini" href="{{BASE}}/tunnels/{{ID}}">Go on: step {{STEP}} of 3<span class="vh">: {{NAME}}</span></a>{{/STEPS}}
          {{#START}}<a class="btn mini" href="{{BASE}}/tunnels/{{ID}}#start">How to start it<span class="vh">: {{NAME}}</span></a>{{/START}}
          {{#FIX_TARGET}}<a class="btn mini" href="{{BASE}}/tunnels/{{ID}}/edit#local_port">Correct the port<span class="vh">: {{NAME}}</span></a>{{/FIX_TARGET}}
          {{#FIX_PORT}}<a class="btn mini" href="{{BASE}}/tunnels/{{ID}}/edit#public_port">Choose another port<span class="vh">: {{NAME}}</span></a>{{/FIX_PORT}}
          {{#FIX_DATE}}<a class="btn mini" href="{{BASE}}/tunnels/{{ID}}/edit#expires">Set a new date<span class="vh">: {{NAME}}</span></a>{{/FIX_DATE}}
        </div>
      </li>
      {{/TUNNEL}}
    </ul>
    {{#NOTHING}}
    <p class="pad">No tunnel fits. <a href="{{BASE}}/">Show them all.</a></p>
    {{/NOTHING}}
    <div class="pager"><span>{{SHOWN}}</span>{{#PAGES}}
      <nav class="acts" aria-label="Pages of tunnels">{{#BEFORE}}<a class="btn mini" href="{{BASE}}/?page={{PAGE}}&amp;sort={{SORT}}&amp;q={{Q}}">Back</a>{{/BEFORE}} {{#AFTER}}<a class="btn mini" href="{{BASE}}/?page={{PAGE}}&amp;sort={{SORT}}&amp;q={{Q}}">Next</a>{{/AFTER}}</nav>{{/PAGES}} <span class="live needs-js" id="live">Live</span></div>
  </section>
  <p class="vh" role="status" id="live-says"></p>
