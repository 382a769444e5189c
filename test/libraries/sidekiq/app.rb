# frozen_string_literal: true

# Jobs of Sidekiq.

require 'sidekiq'
require_relative '../common/ledger'

def connection
  if Ledger::MODE == 'sentinel'
    # While the nodes elect, one may name a leader that does not lead yet or any more.
    again = { reconnect_attempts: 10, reconnect_delay: 0.1, reconnect_delay_max: 1 }
    return { url: 'redis://mymaster', sentinels: Ledger::NODES }.merge(again)
  end
  { url: "redis://#{Ledger::NODES[0][:host]}:#{Ledger::NODES[0][:port]}/0" }
end

# Tells a job which try it is.
class Tries
  def call(_worker, job, _queue)
    Thread.current[:retries] = job['retry_count'] ? job['retry_count'] + 1 : 0
    yield
  end
end

Sidekiq.configure_client { |c| c.redis = connection }
Sidekiq.configure_server do |c|
  c.redis = connection
  c.average_scheduled_poll_interval = 1
  c.server_middleware { |chain| chain.add Tries }
end

class Plain
  include Sidekiq::Worker

  def perform(job)
    Ledger.run(job)
  end
end

class Flaky
  include Sidekiq::Worker
  sidekiq_options retry: 3
  sidekiq_retry_in { 0 }

  def perform(job)
    if Thread.current[:retries].zero?
      Ledger.fail(job)
      raise 'as told'
    end
    Ledger.run(job)
  end
end

class Later
  include Sidekiq::Worker

  def perform(job, at)
    Ledger.due(job, at)
    Ledger.run(job)
  end
end

# Makes another job.
class Parent
  include Sidekiq::Worker

  def perform(job)
    Plain.perform_async("#{job}.child")
    Ledger.run("#{job}.parent")
  end
end
