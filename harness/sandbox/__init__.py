"""Places to run untrusted code: one Protocol, a real backend, one for trusted code.

protocol                         what every backend promises
backends                         the one that the settings name
docker  container  engine        the real one, its containers, its errors translated
networks  volumes  images        what containers need
process  process_sandbox         trusted code on this machine
supervisor  supervised           the process inside that starts all others, and our end of it
doctor  reaper  owners           what is missing; what a crash left behind
image_reaper  removal            what nobody needs any more; folders that go whole
"""
