# frozen_string_literal: true

# Makes jobs of all kinds. Sidekiq has no results and, without its paid
# editions, no batches.

require_relative 'app'

plain = ->(id) { Ledger.make(id) { |job| Plain.perform_async(job) } }
flaky = ->(id) { Ledger.make(id) { |job| Flaky.perform_async(job) } }
later = lambda do |id|
  at = Time.now.to_f + 1.5
  Ledger.make(id) { |job| Later.perform_at(at, job, at) }
end
parent = ->(id) { Ledger.make(id, %w[.parent .child]) { |job| Parent.perform_async(job) } }
bulk = lambda do |id|
  Ledger.make(id, %w[.0 .1 .2]) do |job|
    Sidekiq::Client.push_bulk('class' => Plain, 'args' => (0..2).map { |n| ["#{job}.#{n}"] })
  end
end

Ledger.produce({ 3 => flaky, 7 => later, 11 => bulk, 17 => parent, 23 => flaky, 27 => later, 31 => bulk, 37 => parent }, plain)
