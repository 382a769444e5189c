# frozen_string_literal: true

# What a program writes down, and the work of a producer. See ../ledger_test.go.
module Ledger
  MODE = ENV.fetch('MODE')
  NODES = ENV.fetch('NODES').split(',').map { |n| n.split(':') }.map { |host, port| { host: host, port: port.to_i } }
  NAME = ENV.fetch('NAME')

  module_function

  # note appends a line in one write.
  def note(*words)
    File.open(ENV.fetch('LEDGER'), 'a') { |f| f.syswrite("#{words.join(' ').tr("\n", ' ')}\n") }
  end

  def run(job)
    note('run', job, NAME)
  end

  def fail(job)
    note('fail', job, NAME)
  end

  # due checks that a job that was put off until a time does not run before it.
  def due(job, at)
    note('wrong', job, 'ran', at - Time.now.to_f, 'seconds early') if Time.now.to_f < at - 0.01
  end

  # make yields the name of a job until that raises nothing; each try is a job of
  # its own. parts are the endings of the names of the jobs that the block makes.
  def make(job, parts = [''])
    first = now
    (0..).each do |attempt|
      name = attempt.zero? ? job : "#{job}_#{attempt}"
      begin
        yield name
      rescue StandardError => e
        parts.each { |part| note('unsure', name + part, e.class, e.message) }
        sleep 0.05
        next
      end
      took = ((now - first) * 1000).to_i
      parts.each { |part| note('made', name + part, took) }
      return name
    end
  end

  def now
    Process.clock_gettime(Process::CLOCK_MONOTONIC)
  end

  # produce makes the jobs of this producer: kinds maps a remainder of 40 to a
  # maker. A steady producer makes plain ones only.
  def produce(kinds, plain)
    kinds = {} if ENV['STEADY']
    (0..).each do |n|
      return if n >= ENV.fetch('JOBS').to_i && File.exist?(ENV.fetch('STOP'))

      kinds.fetch(n % 40, plain).call("#{NAME}-#{n}")
      sleep 0.01
    end
  end
end
